"""Transform coding as a scikit-learn transformer: what a sign autoencoder competes with."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from isthmus.core.door import real_number, whole_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.core.protocol import nmse_of, total_bits
from isthmus.data.principal import Principal
from isthmus.estimators.held_out_spread import held_out_variances
from isthmus.estimators.parameters import check_spread
from isthmus.estimators.quantised_axes import (
    QuantisedAxes,
    gaussian_levels,
    mean_levels,
)
from isthmus.limits.baselines import transform_coding

_CALL = "TransformCoder"


class TransformCoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal axes, whole bits per axis, a Lloyd-Max quantiser each.

    The classical codec at a budget of bits. Bits go one by one to the axis that gains
    most on Gaussian data of the training covariance; each axis has the optimal quantiser
    of a Gaussian of its variance, and answers with a level per cell.

    Args:
        n_bits: Bits per row, at least 1, at most 12 per direction of positive variance.
            Give this or `rate`.
        rate: n_bits / n_input instead; both None means rate 1.
        cells: What a cell answers: ``"means"`` for the mean of the training rows in it,
            shrunk towards the Gaussian level by as much as the rows do not contradict it
            (:func:`~isthmus.estimators.cell_means.shrunk_cell_means`), or ``"gaussian"``.

    Attributes:
        n_bits_: Bits per row.
        bits_per_vector_: The same: nothing else is stored per row.
        allocation_: Bits of each direction that has any, not rising; they add up to
            `n_bits_`.
        mean_: Mean of the training rows, "input".
        basis_: Principal axes with bits, "input direction".
        deviation_: Standard deviations along them, input units; with fewer rows than
            columns those of rows left out of the axes' fit, five-fold.
        levels_: Answers of all cells, 2^bits for each direction in turn, input units.
        shrinkage_: Ledoit-Wolf weight in the covariance; 0 at 20 or more rows per column.
        predicted_nmse_: NMSE with Gaussian levels on Gaussian data of the training
            covariance.
        n_rows_: Rows that it was fitted on.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> rows = load_digits().data
        >>> coder = TransformCoder(rate=0.5).fit(rows[:1400])
        >>> coder.allocation_.tolist()
        [3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
        >>> codes = coder.transform(rows[1400:])
        >>> codes.shape, codes.dtype.name, int(codes.max())
        ((397, 18), 'uint8', 7)
        >>> 0.7 < coder.score(rows[1400:]) < 0.9
        True

    References:
        [max:60], [lloyd:82]
    """

    def __init__(
        self,
        n_bits: int | None = None,
        *,
        rate: float | None = None,
        cells: Literal["means", "gaussian"] = "means",
    ):
        self.n_bits = n_bits
        self.rate = rate
        self.cells = cells

    def fit(self, X: Any, y: object = None) -> TransformCoder:
        """Find the principal axes, allocate the bits and fit the levels.

        Args:
            X: Rows, "sample input", finite; at least two different ones.
            y: Ignored.

        Returns:
            The fitted estimator.

        Raises:
            DataError: If all rows are equal, or their spread cannot be squared.
            ValueOutOfRange: If a parameter is outside its domain, or there are more bits
                than the directions can take.
        """
        x = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        n_bits = self._budget(x.shape[1])
        check_spread(x, name=f"{_CALL}.fit(X)")
        return self._fit_levels(x, n_bits, Principal.from_rows(x))

    def fit_principal(self, principal: Principal, X: Any) -> TransformCoder:
        """Fit from principal axes that are known already.

        Args:
            principal: Mean, axes and eigenvalues of all training rows.
            X: Training rows, "sample input", for the means of the cells.

        Returns:
            The fitted estimator.

        Raises:
            ValueOutOfRange: If `X` has other columns, or as for :meth:`fit`.
        """
        x = validate_data(self, X, dtype=[np.float64, np.float32])
        if x.shape[1] != principal.n_input:
            raise ValueOutOfRange(
                f"`{_CALL}.fit_principal(X)` must have {principal.n_input} columns, those "
                f"of `principal`; got {x.shape[1]}."
            )
        return self._fit_levels(x, self._budget(x.shape[1]), principal)

    def _fit_levels(
        self, x: np.ndarray, n_bits: int, principal: Principal
    ) -> TransformCoder:
        whole = principal.eigenvalues
        if principal.shrinkage > 0 and x.shape[0] <= x.shape[1]:
            whole = held_out_variances(x, whole.size)
        lam = whole.copy()
        lam[principal.rank :] = 0.0
        most = MAX_BITS * int(np.count_nonzero(lam))
        if n_bits > most:
            raise ValueOutOfRange(
                f"`{_CALL}(n_bits=...)` must be at most {MAX_BITS} for each of the "
                f"{most // MAX_BITS} directions of positive variance, here {most}; got "
                f"{n_bits}. Take fewer bits, or keep the rows as they are."
            )
        coding = transform_coding(lam, n_bits)
        used = np.count_nonzero(coding.bits)  # bits never rise along falling eigenvalues
        self.n_bits_, self.bits_per_vector_ = n_bits, total_bits(n_bits)
        self.allocation_ = coding.bits[:used]
        self.mean_, self.shrinkage_ = principal.mean, principal.shrinkage
        self.basis_ = np.ascontiguousarray(principal.basis[:, :used])
        self.deviation_ = np.sqrt(lam[:used])
        # What rank and rounding left out counts as lost.
        kept = float(lam.sum() / whole.sum())
        self.predicted_nmse_ = 1.0 - (1.0 - float(coding.nmse)) * kept
        self.n_rows_ = x.shape[0]
        self._n_features_out = int(used)
        self._fit_dtype = x.dtype
        axes = self._axes()
        means = self.cells == "means"
        self.levels_ = mean_levels(axes, x) if means else gaussian_levels(axes)
        return self

    def transform(self, X: Any) -> UInt[np.ndarray, "sample direction"]:
        """Cell of each row along each direction that has bits.

        Args:
            X: Rows, "sample input", finite.

        Returns:
            Numbers of cells from the lowest, below 2^bits of their direction; of type
            uint8, or uint16 if a direction has more than 8 bits.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self._axes().encode(x)

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "sample input"]:
        """Reconstruct rows from codes.

        Args:
            X: Codes, "sample direction", as :meth:`transform` gives them.

        Returns:
            Reconstructions, "sample input", input units, in the floating type of the
            training rows.

        Raises:
            ValueOutOfRange: If codes have the wrong length or are no cells.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype="numeric", input_name="X")
        if codes.shape[1] != self.allocation_.size:
            raise ValueOutOfRange(
                f"`inverse_transform(X)` must have {self.allocation_.size} columns, one "
                f"for each direction with bits; got {codes.shape[1]}."
            )
        if codes.dtype.kind != "u":
            whole = codes.dtype.kind == "i" or np.all(codes == np.floor(codes))
            if not whole or np.any(codes < 0):
                self._refuse_codes()
            codes = np.minimum(codes, 2**MAX_BITS).astype(np.uint16)
        if np.any(codes.max(axis=0) >= 2**self.allocation_):
            self._refuse_codes()
        return self._axes().decode(codes, self.levels_.astype(self._fit_dtype, copy=False))

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
        axes = self._axes()
        x_hat = axes.decode(axes.encode(x), self.levels_.astype(x.dtype, copy=False))
        return 1.0 - nmse_of(x, x_hat, self.mean_)

    def _axes(self) -> QuantisedAxes:
        return QuantisedAxes(self.mean_, self.basis_, self.deviation_, self.allocation_)

    def _budget(self, n_input: int) -> int:
        if self.cells not in ("means", "gaussian"):
            raise ValueOutOfRange(
                f"`{_CALL}(cells=...)` must be 'means' or 'gaussian'; got {self.cells!r}."
            )
        if self.n_bits is not None and self.rate is not None:
            raise ValueOutOfRange(
                f"`{_CALL}` must get `n_bits` or `rate`, not both; "
                f"got n_bits={self.n_bits} and rate={self.rate}."
            )
        if self.n_bits is not None:
            return whole_number(f"{_CALL}(n_bits=...)", self.n_bits, least=1)
        wanted = 1.0
        if self.rate is not None:
            wanted = real_number(f"{_CALL}(rate=...)", self.rate)
        if not 0.0 < wanted <= MAX_BITS:
            raise ValueOutOfRange(
                f"`{_CALL}(rate=...)` must be positive and at most {MAX_BITS} bits per "
                f"input coordinate; got {wanted}."
            )
        return max(1, round(wanted * n_input))

    def _refuse_codes(self) -> None:
        raise ValueOutOfRange(
            "`inverse_transform(X)` must hold whole numbers from 0 to 2^bits - 1 of each "
            "direction (`allocation_`). Pass what `transform` returned."
        )

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that codes are integers, whatever the type of the rows."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
