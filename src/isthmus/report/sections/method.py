"""Method: how the numbers came about, so that somebody else can check them."""

from __future__ import annotations

from isthmus.report import style
from isthmus.report.records import Analysis, DataFacts
from isthmus.report.sections.base import (
    Block,
    Code,
    Facts,
    References,
    Section,
    Table,
    Terms,
    Text,
)
from isthmus.report.sections.counts import eigenvalue_rows, fitted_rows
from isthmus.report.thresholds import TABLE

MEANING = (
    (
        "NMSE",
        "Sum of ‖x − x̂‖² over the held-out rows, divided by the sum of ‖x − m‖² "
        "over the same rows; m is the mean of the training rows. In the data's own "
        "units, or in scaled ones where a scale was asked for (see Data), over the columns "
        "used. Always answering the mean scores 1.",
    ),
    (
        "Standard error",
        "Of the NMSE as a ratio of two means over the held-out rows, with everything "
        "fitted held fixed, the draw of the frame too: at few bits another seed can move a "
        "random rotation by more than this. Two codecs are compared row by row "
        "(paired).",
    ),
    (
        "Rate",
        "Code symbols per column used. A symbol of a sign autoencoder is one bit.",
    ),
    (
        "Bits per vector",
        "All bits stored for one row: one per code symbol, and 16 more where the "
        "norm of the row is stored as float16.",
    ),
    (
        "Encoder: design",
        "In closed form: the eigenvalues of the training covariance are water-filled "
        "and mixed by an incoherent frame, then signs are taken.",
    ),
    (
        "Encoder: descent",
        "The designed encoder, moved by projected gradient descent on its exact error on "
        "Gaussian data of the training covariance; the rows themselves are not used.",
    ),
    ("Encoder: random", "A random orthogonal frame alone, then signs."),
    (
        "Encoder: transform-coding",
        "No autoencoder: rotate to the principal directions of the training rows, give "
        "each a whole number of bits, round with Lloyd-Max quantisers; the decoder "
        "(cell-means) answers the mean of the training rows in each cell, shrunk towards "
        "the Gaussian level where these are few. With fewer rows than columns its bits "
        "follow the variance of rows left out, five-fold.",
    ),
    (
        "Encoder: search",
        "Bits of the designed encoder or of quantisers, flipped one by one as long as that "
        "lessens the squared error of the row; the decoder is learnt from at most 20 000 "
        "training rows coded so, with a curve for each column where that helps. They are "
        "no signs of a linear map, so that the Gaussian reference is no bound for them.",
    ),
    (
        "Encoder: itq",
        "A rotation of the strongest principal directions, turned step by step until the "
        "signs of the training rows lose least; only under Which decoder.",
    ),
    (
        "Intrinsic dimension",
        "Along how many directions rows vary near each row; estimates, from ratios of "
        "distances to neighbours and from principal components of neighbourhoods.",
    ),
    (
        "Error at least",
        "A hole born at radius b and filled at radius d, of a degree not below the number "
        "of latent dimensions: every continuous autoencoder errs by d minus b or more at "
        "some point of the rows, or of the lines and triangles between rows whose balls of "
        "radius b meet. A theorem for the rows as they are.",
    ),
    (
        "p",
        "Chance that a cloud without holes has one with so large a ratio of d to b, from "
        "the law that these ratios follow in clouds of very different kinds, times the "
        "number of holes looked at. It is cautious: real loops of few rows pass it by.",
    ),
)
NOT_MEASURED = (
    "This page does not measure how the errors change with the number of training rows, "
    "and trains no deep autoencoder."
)
REFERENCES = (
    (
        "shevchenko:23",
        "Shevchenko, Kögler, Hassani, Mondelli. Fundamental Limits of Two-layer "
        "Autoencoders, and Achieving Them with Gradient Methods. 2023. The Gaussian "
        "reference and the designed encoder.",
        "https://arxiv.org/abs/2212.13468",
    ),
    (
        "kogler:24",
        "Kögler, Shevchenko, Hassani, Mondelli. Compression of Structured Data with "
        "Autoencoders: Provable Benefit of Nonlinearities and Depth. 2024. Denoising and "
        "message-passing decoders of sign codes.",
        "https://arxiv.org/abs/2402.05013",
    ),
    (
        "schniter:16",
        "Schniter, Rangan, Fletcher. Vector Approximate Message Passing for the "
        "Generalized Linear Model. 2016. The messages, and the state evolution that "
        "predicts them.",
        "https://arxiv.org/abs/1612.01186",
    ),
    (
        "max:60",
        "Max. Quantizing for Minimum Distortion. IRE Transactions on Information "
        "Theory, 1960. The quantisers of transform coding.",
        "https://doi.org/10.1109/TIT.1960.1057548",
    ),
    (
        "lloyd:82",
        "Lloyd. Least Squares Quantization in PCM. IEEE Transactions on Information "
        "Theory, 1982. The same quantisers.",
        "https://doi.org/10.1109/TIT.1982.1056489",
    ),
    (
        "cover:06",
        "Cover, Thomas. Elements of Information Theory, 2nd edition. Wiley, 2006. "
        "Rate-distortion of Gaussian vectors, by reverse water-filling.",
        "https://doi.org/10.1002/047174882X",
    ),
    (
        "ledoit:04",
        "Ledoit, Wolf. A Well-conditioned Estimator for Large-dimensional Covariance "
        "Matrices. Journal of Multivariate Analysis, 2004. Shrinkage of the "
        "covariance.",
        "https://doi.org/10.1016/S0047-259X(03)00096-4",
    ),
    (
        "kvalheim:24",
        "Kvalheim, Sontag. Why Should Autoencoders Work? Transactions on Machine Learning "
        "Research, 2024. Why a latent space of the data's own dimension must tear them.",
        "https://arxiv.org/abs/2310.02250",
    ),
    (
        "denti:22",
        "Denti, Doimo, Laio, Mira. The Generalized Ratios Intrinsic Dimension Estimator. "
        "Scientific Reports, 2022. Gride.",
        "https://doi.org/10.1038/s41598-022-20991-1",
    ),
    (
        "bobrowski:23",
        "Bobrowski, Skraba. A Universal Null-distribution for Topological Data Analysis. "
        "Scientific Reports, 2023. The law behind p.",
        "https://doi.org/10.1038/s41598-023-37842-2",
    ),
)


def build(analysis: Analysis) -> Section:
    """Give command, seed, split, definitions, versions, timings and literature.

    Args:
        analysis: The analysis.

    Returns:
        The section.
    """
    method = analysis.method
    timings = tuple(
        (step, style.duration(seconds)) for step, seconds in method.timings.items()
    )
    blocks: list[Block] = [
        Text("How to make these numbers again, and what each of them is.", "lead"),
        Code(method.command),
        Facts(
            (
                ("Seed", str(method.seed), "of every random draw"),
                ("Made", method.created[:16].replace("T", " "), "UTC"),
                ("Rows read", style.count(analysis.data.n_rows), ""),
            ),
            "How this page was made",
        ),
        Text("Training and held-out rows", "heading"),
        Text(_split_words(analysis.data, method.seed)),
        Text("What each number is", "heading"),
        Terms(MEANING),
        Text("Thresholds behind the sentences", "heading"),
        Facts(
            tuple((line.name, _plain(line.value), line.meaning) for line in TABLE),
            "Thresholds of the verdict",
        ),
        Text("What is not here", "heading"),
        *(Text(part) for part in analysis.left_out),
        Text(NOT_MEASURED),
        Text("Software and time", "heading"),
        Table("Versions", ("Package", "Version"), tuple(method.versions.items()), words=2),
    ]
    if timings:
        blocks.append(Table("Timings", ("Step", "Time"), timings, words=1))
    blocks += [Text("References", "heading"), References(REFERENCES)]
    return Section("method", "Method", tuple(blocks))


def _split_words(facts: DataFacts, seed: int) -> str:
    test = style.count(facts.n_test)
    if facts.split == "given":
        how = f"The {test} held-out rows were given by the user"
    elif facts.split == "last":
        how = f"The last {test} rows were held out, as for a time series"
        if facts.n_moment_rows <= facts.n_fit_rows:
            how += ", and training rows that equal one of them were left out"
    elif facts.n_moment_rows > facts.n_fit_rows > 0:
        how = (
            f"{test} rows were held out: drawn at random with seed {seed} from a random "
            "sample of the rows, after equal rows of the sample were grouped, so that no "
            "held-out row equals a row that a decoder was fitted on; rows outside the "
            "sample, which mean and covariance also come from, may equal one"
        )
    else:
        how = (
            f"{test} rows were held out: drawn at random with seed {seed} after equal "
            "rows were grouped, so that no held-out row equals a training row. The "
            "rule is 20 % of the rows, at least 50 and at most 10,000, never more "
            "than half"
        )
    return (
        f"{how}. Mean and covariance come from {eigenvalue_rows(facts)} training rows, "
        f"decoders from {fitted_rows(facts)}; the held-out rows are used for nothing but "
        "the measured errors and their standard errors."
    )


def _plain(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
