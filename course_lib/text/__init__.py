"""From text to the arrays that a sequence model reads::

    split_sentences                  text -> sentences
    tokenize, tokenize_characters    text -> tokens
    Vocabulary                       tokens <-> indices, with <PAD> <UNK> <SOS> <EOS>
    one_hot                          indices -> rows with a single 1
    pad_and_mask                     sequences of any lengths -> one (T, B) array and its mask
    pack, unpack, bucket_by_length   the same without the work that padding wastes
    bag_of_words                     counts of the indices, order lost
    ngram_counts, context_counts,
    ngram_probability                the counting language model in its plainest form
    KneserNey                        the counting language model that a network must beat

Uses the standard library and NumPy only.
"""

from course_lib.text.bags import bag_of_words
from course_lib.text.ngram_models import KneserNey
from course_lib.text.ngrams import context_counts, ngram_counts, ngram_probability
from course_lib.text.packing import bucket_by_length, pack, unpack
from course_lib.text.padding import one_hot, pad_and_mask
from course_lib.text.sentences import split_sentences
from course_lib.text.tokens import tokenize, tokenize_characters
from course_lib.text.vocabulary import EOS, PAD, SOS, SPECIALS, UNK, Vocabulary

__all__ = [
    "EOS",
    "PAD",
    "SOS",
    "SPECIALS",
    "UNK",
    "KneserNey",
    "Vocabulary",
    "bag_of_words",
    "bucket_by_length",
    "context_counts",
    "ngram_counts",
    "ngram_probability",
    "one_hot",
    "pack",
    "pad_and_mask",
    "split_sentences",
    "tokenize",
    "tokenize_characters",
    "unpack",
]
