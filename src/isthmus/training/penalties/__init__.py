"""Terms that are added to a reconstruction error, loaded on first use."""

from isthmus.core.lazy import lazy_attributes

_NEED_TORCH = {
    "AbstractPenalty": "isthmus.training.penalties.base",
    "Contractive": "isthmus.training.penalties.contraction",
    "CycleConsistency": "isthmus.training.penalties.extensions",
    "Denoising": "isthmus.training.penalties.plain",
    "GeneratorUse": "isthmus.training.penalties.use",
    "Generators": "isthmus.training.penalties.generators",
    "HigherOrderContractive": "isthmus.training.penalties.contraction",
    "LearnedOrbit": "isthmus.training.penalties.learned_generators",
    "Lie1": "isthmus.training.penalties.lie_first",
    "Lie2": "isthmus.training.penalties.lie_second",
    "OrbitAugmentation": "isthmus.training.penalties.extensions",
    "OrbitCompletion": "isthmus.training.penalties.orbit_completion",
    "PenaltySum": "isthmus.training.penalties.base",
    "WeightDecay": "isthmus.training.penalties.plain",
    "generator_use": "isthmus.training.penalties.use",
    "generators_of": "isthmus.training.penalties.named",
    "named_penalty": "isthmus.training.penalties.named",
    "fit_generators": "isthmus.training.penalties.learned_generators",
    "principal_angles": "isthmus.training.penalties.diagnosis",
    "sparsity": "isthmus.training.penalties.diagnosis",
    "training_memory": "isthmus.training.penalties.generators",
}
__all__ = [
    "AbstractPenalty",  # noqa: F822
    "Contractive",  # noqa: F822
    "CycleConsistency",  # noqa: F822
    "Denoising",  # noqa: F822
    "GeneratorUse",  # noqa: F822
    "Generators",  # noqa: F822
    "HigherOrderContractive",  # noqa: F822
    "LearnedOrbit",  # noqa: F822
    "Lie1",  # noqa: F822
    "Lie2",  # noqa: F822
    "OrbitAugmentation",  # noqa: F822
    "OrbitCompletion",  # noqa: F822
    "PenaltySum",  # noqa: F822
    "WeightDecay",  # noqa: F822
    "generator_use",  # noqa: F822
    "generators_of",  # noqa: F822
    "named_penalty",  # noqa: F822
    "fit_generators",  # noqa: F822
    "principal_angles",  # noqa: F822
    "sparsity",  # noqa: F822
    "training_memory",  # noqa: F822
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
