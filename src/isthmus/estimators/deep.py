"""Deep autoencoder as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.progress import progress_bar
from isthmus.core.protocol import measure_errors, row_errors
from isthmus.core.random import as_rng
from isthmus.estimators.deep_parameters import (
    CALL,
    STEP_SETTINGS,
    check_parameters,
    make_network,
    validation_rows,
)
from isthmus.estimators.deep_penalty import make_penalty
from isthmus.estimators.parameters import check_spread
from isthmus.estimators.unit_rows import UnitRows
from isthmus.models.state import through
from isthmus.training import train_autoencoder
from isthmus.training.deep_passes import Passes
from isthmus.training.devices import resolve_device
from isthmus.training.encoder_start import lay_out
from isthmus.training.penalties.base import AbstractPenalty

_BLOCK = 4096


class DeepAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Autoencoder of many layers, x -> m + s D(E((x - m) / s)), trained by mini-batches.

    Rows are centred by their mean m and divided by one number s, their root mean square, so
    that the error of every coordinate keeps its weight. The network computes in float32.

    Args:
        n_code: Coordinates of a code, at least 1.
        hidden_layer_sizes: Units of the encoder's hidden layers; the decoder has them in
            reverse order. Only for dense networks.
        activation: Of hidden layers: ``"relu"``, ``"leaky-relu"``, ``"prelu"``,
            ``"hardtanh"`` (piecewise affine), ``"elu"``, ``"gelu"``, ``"sigmoid"``,
            ``"silu"``, ``"softplus"``, ``"tanh"`` or ``"identity"``.
        code_activation: Of the code, one of the same.
        architecture: ``"dense"``, or ``"convolutional"`` for images.
        image_shape: (height, width) or (channels, height, width) of a row; only for
            convolutional networks, which need it.
        channels: Of the encoder's convolutions; only for convolutional networks.
        tied: Whether the decoder's weights are the encoder's, transposed; dense only.
        bias: Whether layers have biases.
        start: ``"random"`` weights, or ``"layout"``: encoder and decoder are first fitted
            to codes that keep distances along the data, and its pieces apart
            (:func:`isthmus.topology.layout.layout`, of at most 1000 rows). Training from
            random weights does not pull apart what crosses in the code.
        n_epochs: Passes over the rows, at most.
        batch_size: Rows a step.
        learning_rate: Of the first step.
        optimizer: ``"adam"`` or ``"adamw"``.
        weight_decay: Zero or positive.
        schedule: Of the learning rate: ``"cosine"`` or ``"constant"``.
        clip_norm: Longest gradient; None for any length.
        validation_fraction: Share of the rows, 0 to 0.5, that choose the best epoch and
            are not trained on; 0 for none, and the last epoch.
        patience: Epochs without a better validation error before training ends; None to
            go on to the end.
        penalty: Added to the error while training: ``"contractive"``,
            ``"higher-order-contractive"``, ``"denoising"``, ``"weight-decay"``,
            ``"lie-1"``, ``"lie-2"``, ``"cycle-consistency"``, ``"orbit-augmentation"``, an
            object of :mod:`isthmus.training.penalties`, of which every fit takes a copy,
            or None.
        penalty_weight: Of a penalty given by name, at least 0; None for its default. For
            denoising the noise's standard deviation in units of s, for orbit augmentation
            the size of the moves relative to a row.
        checkpoint: Path ending in .safetensors, where the run is written down after every
            epoch. If it is there already, `fit` goes on from it.
        device: As torch names it; ``"auto"`` for CUDA, MPS or CPU, whichever comes first.
        mixed_precision: Whether training takes products in bfloat16.
        random_state: Seed of split, starting weights and batches.
        verbose: Whether to draw a progress bar on a terminal while training.

    Attributes:
        network_: The trained ``torch.nn.Module``, with `encoder` and `decoder`; it maps
            centred and scaled rows to their reconstructions.
        n_code_: Coordinates of a code.
        penalty_: The penalty after training, with the generators it learnt; None without.
        mean_: m, "input".
        scale_: s, input units.
        history_: NMSE of the training batches in each epoch, each before its step.
        validation_history_: NMSE of the validation rows after each epoch; empty without.
        n_epochs_: Epochs done.
        best_epoch_: The one whose weights were kept; 0 is the start.
        stopped_: Why training ended, in words.

    Examples:
        >>> angle = np.linspace(0.0, 3.0, 500)
        >>> rows = np.stack([np.cos(angle), np.sin(angle), angle], axis=1)
        >>> model = DeepAutoencoder(
        ...     1, hidden_layer_sizes=(16,), n_epochs=40, learning_rate=0.01, random_state=0
        ... ).fit(rows)
        >>> model.transform(rows[:5]).shape, bool(model.score(rows) > 0.98)
        ((5, 1), True)

    References:
        [kingma:15]
    """

    network_: Any
    _passes: Passes | None

    def __init__(
        self,
        n_code: int = 2,
        *,
        hidden_layer_sizes: Sequence[int] = (128, 64),
        activation: str = "relu",
        code_activation: str = "identity",
        architecture: Literal["dense", "convolutional"] = "dense",
        image_shape: Sequence[int] | None = None,
        channels: Sequence[int] = (16, 32),
        tied: bool = False,
        bias: bool = True,
        start: Literal["random", "layout"] = "random",
        n_epochs: int = 100,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        optimizer: Literal["adam", "adamw"] = "adam",
        weight_decay: float = 0.0,
        schedule: Literal["cosine", "constant"] = "cosine",
        clip_norm: float | None = 1.0,
        validation_fraction: float = 0.1,
        patience: int | None = 20,
        penalty: Any = None,
        penalty_weight: float | None = None,
        checkpoint: Any = None,
        device: Any = "auto",
        mixed_precision: bool = False,
        random_state: object = None,
        verbose: bool = False,
    ):
        self.n_code = n_code
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.architecture = architecture
        self.image_shape = image_shape
        self.channels = channels
        self.tied = tied
        self.bias = bias
        self.start = start
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.clip_norm = clip_norm
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.penalty = penalty
        self.penalty_weight = penalty_weight
        self.checkpoint = checkpoint
        self.device = device
        self.mixed_precision = mixed_precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: object = None) -> DeepAutoencoder:
        """Train on rows.

        Args:
            X: Rows, "sample input", finite; at least two different ones.
            y: Ignored.

        Returns:
            The fitted estimator.

        Raises:
            DataError: If all rows are equal, their spread cannot be squared, or the
                checkpoint is damaged or of another run.
            ValueOutOfRange: If a parameter is outside its domain.

        Warns:
            DataWarning: If the code is as long as a row, or no validation row is left.
            TrainingWarning: If the error exploded; the last good weights are kept.
        """
        x = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        check_parameters(self)
        check_spread(x, name=f"{CALL}.fit(X)")
        rng = as_rng(self.random_state)
        train, held = validation_rows(x, self.validation_fraction, rng)
        units = UnitRows.of(x, train)
        network = make_network(self, x.shape[1], rng)
        penalty = make_penalty(self, x.shape[1], rng)
        scaled = units.scaled(x, train)
        if self.start == "layout":
            lay_out(network, scaled, rng)
        with progress_bar(enabled=bool(self.verbose)) as tell:
            found = train_autoencoder(
                network,
                scaled,
                validation=None if held is None else units.scaled(x, held),
                n_epochs=self.n_epochs,
                patience=self.patience,
                schedule=self.schedule,
                checkpoint=self.checkpoint,
                device=self.device,
                penalty=penalty,
                rng=rng,
                progress=None if tell is None else lambda *at: tell("training", *at),
                **self._settings(),
            )
        self._keep(network, units, penalty)
        self.history_ = found.history.mse
        if found.history.validation_mse is not None and held is not None:
            self.validation_history_ = found.history.validation_mse / units.power(x, held)
        self.n_epochs_, self.best_epoch_ = found.n_epochs, found.best_epoch
        self.stopped_ = found.explanation
        return self

    def partial_fit(self, X: Any, y: object = None) -> DeepAutoencoder:
        """One more pass over some rows, at a constant learning rate.

        The first call fixes mean and scale by its rows, unless the estimator is fitted
        already. The moments of the optimiser live on from call to call, but not in files.
        No rows are held out.

        Args:
            X: Rows, "sample input", finite; at least two different ones at the first call.
            y: Ignored.

        Returns:
            The estimator.

        Raises:
            DataError: If all rows of the first call are equal.
            ValueOutOfRange: If a parameter is outside its domain.

        Warns:
            TrainingWarning: If the error exploded; the weights are those before the call.
        """
        first = not hasattr(self, "network_")
        x = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            reset=first,
            ensure_min_samples=2 if first else 1,
        )
        check_parameters(self)
        if first:
            check_spread(x, name=f"{CALL}.partial_fit(X)")
            rng = as_rng(self.random_state)
            network = make_network(self, x.shape[1], rng)
            penalty = make_penalty(self, x.shape[1], rng)
            units = UnitRows.of(x, np.arange(x.shape[0]))
            self._keep(network.to(resolve_device(CALL, self.device)), units, penalty)
        if self._passes is None:
            self._passes = Passes(
                self.network_,
                self._settings(),
                rng=self.random_state,
                penalty=self.penalty_,
            )
        error = self._passes.one(self._units().scaled(x))
        self.history_ = np.append(self.history_, error)
        self.n_epochs_ += 1
        self.best_epoch_, self.stopped_ = self.n_epochs_, "trained pass by pass"
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "sample code"]:
        """Code of each row.

        Args:
            X: Rows, "sample input", finite.

        Returns:
            Codes, "sample code", float32.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        units, encoder = self._units(), self.network_.encoder
        return np.concatenate([through(encoder, units.scaled(b)) for b in _blocks(x)])

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "sample input"]:
        """Reconstruct rows from codes.

        Args:
            X: Codes, "sample code", as :meth:`transform` gives them.

        Returns:
            Reconstructions, "sample input", input units, in the type of the rows that
            were trained on.

        Raises:
            ValueOutOfRange: If codes have the wrong length.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32, input_name="X")
        if codes.shape[1] != self.n_code_:
            raise ValueOutOfRange(
                f"`inverse_transform(X)` must have {self.n_code_} code columns; got "
                f"{codes.shape[1]}."
            )
        units, decoder = self._units(), self.network_.decoder
        return np.concatenate([units.back(through(decoder, b)) for b in _blocks(codes)])

    def score(self, X: Any, y: object = None) -> float:
        """1 - NMSE of the reconstruction of `X`, about the mean of the training rows.

        Args:
            X: Rows, "sample input".
            y: Ignored.

        Returns:
            1 for perfect, 0 for what the training mean reaches.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        units, error = self._units(), []
        for block in _blocks(x):
            found = through(self.network_, units.scaled(block))
            error.append(row_errors(block, units.back(found)))
        energy = [row_errors(block, self.mean_) for block in _blocks(x)]
        return 1.0 - measure_errors(np.concatenate(error), np.concatenate(energy)).value

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in STEP_SETTINGS}

    def _units(self) -> UnitRows:
        return UnitRows(self.mean_, self.scale_)

    def _keep(
        self, network: torch.nn.Module, units: UnitRows, penalty: AbstractPenalty | None
    ) -> None:
        """Fitted attributes as they are before the first epoch."""
        self.network_, self.penalty_ = network.eval(), penalty
        self.mean_, self.scale_ = units.mean, units.scale
        self.n_code_ = self._n_features_out = int(self.n_code)
        self.history_, self.validation_history_ = np.empty(0), np.empty(0)
        self.n_epochs_ = self.best_epoch_ = 0
        self._passes = None

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that codes are float32."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _blocks(x: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, x.shape[0], _BLOCK):
        yield x[begin : begin + _BLOCK]
