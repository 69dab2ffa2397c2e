"""Sign codes of faiss indexes, taken apart; and codes of this package for its search.

Needs the extra ``faiss``. Only files that you trust should be read: it is faiss that reads
them.
"""

from isthmus.codec.faiss.binary import to_binary_index
from isthmus.codec.faiss.reading import sign_codes
from isthmus.codec.faiss.sign_codes import SignCodes
from isthmus.codec.faiss.sources import read_index, train_index

__all__ = ["SignCodes", "read_index", "sign_codes", "to_binary_index", "train_index"]
