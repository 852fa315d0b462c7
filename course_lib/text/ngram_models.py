r"""Kneser-Ney: the strongest language model that only counts.

Two ideas over add-k smoothing (:mod:`course_lib.text.ngrams`). A fixed discount is taken from every count, and what it
frees is given to the model one token shorter. And the shorter model does not count how often a run occurred, but after
how many *different* tokens: "Francisco" is frequent, yet follows only "San", so after any other word it is unlikely.

Works on indices, so characters and words alike: encode them with a :class:`~course_lib.text.vocabulary.Vocabulary`.
Leaves out the variant with three discounts per order, and backing off instead of interpolating.
"""

import numpy as np


class KneserNey:
    r"""An interpolated Kneser-Ney model of order n.

    With c the n - 1 tokens before w, and c' the same without the oldest,

    .. math:: P_n(w \mid c) = \frac{\max(N(c\,w) - d_n, 0)}{N(c\,\cdot)}
              + \frac{d_n \, N_{1+}(c\,\cdot)}{N(c\,\cdot)} \, P_{n-1}(w \mid c'), \qquad P_0(w) = \frac{1}{V}.

    At the highest order N counts occurrences, below it the different tokens that came before the run. A dot sums over
    all w, and :math:`N_{1+}(c\,\cdot)` is how many different w came after c. After a context never seen,
    :math:`P_n` is :math:`P_{n-1}`. The discount is :math:`d_n = n_1 / (n_1 + 2 n_2)`, with :math:`n_1` and
    :math:`n_2` the number of runs counted once and twice; 1/2 where one of them is 0.

    Parameters
    ----------
    order : int
        n, the longest run counted: 1 or more.
    V : int
        Vocabulary size: tokens are 0 to V - 1, and each has a chance, seen or not.

    Attributes
    ----------
    discounts : list of float
        :math:`d_1` to :math:`d_n`, once fitted.

    Examples
    --------
    >>> model = KneserNey(order=2, V=3).fit([0, 1, 0, 1, 0, 2])
    >>> model.next_probabilities([0]).round(3)
    array([0.111, 0.611, 0.278])
    >>> round(model.bits_per_token([0, 1, 0, 2]), 2)
    0.74
    """

    def __init__(self, order, V):
        if order < 1 or V < 1:
            raise ValueError(f"order is {order} and V is {V}; expected at least 1 of both.")
        self.order, self.V = order, V

    def fit(self, tokens):
        """Count one long sequence of tokens, and return the model itself.

        Sentences are joined into one sequence, an <EOS> between them.

        Parameters
        ----------
        tokens : (T,) sequence of int
            At least one.

        Returns
        -------
        KneserNey
        """
        tokens = self._checked(tokens, "tokens")
        if not len(tokens):
            raise ValueError("tokens is empty; expected a text to count.")
        # The text is preceded by start marks, V, so that its first tokens have full contexts too.
        text = np.concatenate([np.full(self.order - 1, self.V), tokens])
        # Runs of m tokens get numbers 0, 1, ... in the order of (number of the first m - 1, last token), so that
        # all runs with one context stand together. There is one run of no tokens.
        self._keys, runs, suffixes = [], np.zeros(len(text), dtype=np.int64), []
        for m in range(1, self.order + 1):
            shorter = runs
            keys = shorter[: len(shorter) - (m > 1)] * (self.V + 1) + text[m - 1 :]
            known, first, runs = np.unique(keys, return_index=True, return_inverse=True)
            self._keys.append(known)
            suffixes.append(shorter[first + (m > 1)])  # number of each run without its oldest token
        counts = np.bincount(runs)
        self.discounts, self._tables = [], []
        for m in range(self.order, 0, -1):
            counts = np.where(self._keys[m - 1] % (self.V + 1) == self.V, 0, counts)  # a start mark is never predicted
            self._tables.append(self._table(m, counts))
            # One token shorter: how many different tokens stood before each run.
            if m > 1:
                counts = np.bincount(suffixes[m - 1], minlength=len(self._keys[m - 2]))
        self.discounts.reverse()
        self._tables.reverse()
        return self

    def _table(self, m, counts):
        """Share of each run of m tokens among those with its context, and the weight that falls to shorter runs."""
        once, twice = np.sum(counts == 1), np.sum(counts == 2)
        discount = float(once / (once + 2 * twice)) if once and twice else 0.5
        self.discounts.append(discount)
        contexts = self._keys[m - 1] // (self.V + 1)
        size = 1 if m == 1 else len(self._keys[m - 2])
        total = np.bincount(contexts, weights=counts, minlength=size)
        kinds = np.bincount(contexts, weights=counts > 0, minlength=size)
        seen = total > 0
        backoff = np.where(seen, discount * kinds / np.where(seen, total, 1), 1.0)
        share = np.maximum(counts - discount, 0) / np.where(seen, total, 1)[contexts]
        return share, backoff

    def log_probabilities(self, tokens, context=()):
        """Natural logarithm of the probability of each token, given all before it.

        Parameters
        ----------
        tokens : (T,) sequence of int
        context : sequence of int
            Tokens that came before the first; the start of a text when left out.

        Returns
        -------
        (T,) array
        """
        tokens, context = self._checked(tokens, "tokens"), self._checked(context, "context")
        start = np.full(self.order - 1, self.V)
        text = np.concatenate([start, context, tokens])
        n = len(tokens)
        p = np.full(n, 1 / self.V)
        runs = np.zeros(len(text), dtype=np.int64)  # at m: number of the run of m tokens that ends here, -1 if unseen
        for m in range(1, self.order + 1):
            contexts = runs[: len(runs) - (m > 1)]
            runs = self._find(m, contexts, text[m - 1 :])
            if not n:
                break
            share, backoff = self._tables[m - 1]
            c, run = contexts[-n:], runs[-n:]
            p = np.where(c >= 0, backoff[c], 1.0) * p + np.where(run >= 0, share[run], 0.0)
        return np.log(p)

    def log_probability(self, sequence, context=()):
        """Natural logarithm of the probability of a whole sequence: the sum of `log_probabilities`."""
        return float(self.log_probabilities(sequence, context).sum())

    def bits_per_token(self, tokens, context=()):
        """Mean of the negative base-2 logarithms: what a token of this text costs, at best, to transmit."""
        return float(-self.log_probabilities(tokens, context).mean() / np.log(2))

    def next_probabilities(self, context=()):
        """Probability of each token as the next one.

        Parameters
        ----------
        context : sequence of int
            All that came before; the model looks at the last n - 1.

        Returns
        -------
        (V,) array, adding up to 1
        """
        context = self._checked(context, "context")
        text = np.concatenate([np.full(self.order - 1, self.V), context]).astype(np.int64)
        p = np.full(self.V, 1 / self.V)
        for m in range(1, self.order + 1):
            c = np.zeros(1, dtype=np.int64)  # number of the last m - 1 tokens as a run
            for length, token in enumerate(text[len(text) - (m - 1) :], start=1):
                c = self._find(length, c, np.array([token]))
            if c[0] < 0:
                break  # never seen, so no longer context was either
            share, backoff = self._tables[m - 1]
            lo, hi = np.searchsorted(self._keys[m - 1], [c[0] * (self.V + 1), c[0] * (self.V + 1) + self.V])
            p = backoff[c[0]] * p
            p[self._keys[m - 1][lo:hi] % (self.V + 1)] += share[lo:hi]
        return p

    def _find(self, m, contexts, last):
        """Numbers of the runs of m tokens made of these contexts and last tokens; -1 for runs never seen."""
        known = self._keys[m - 1]
        keys = contexts * (self.V + 1) + last
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where((contexts >= 0) & (known[at] == keys), at, -1)

    def _checked(self, tokens, name):
        tokens = np.asarray(tokens)
        if tokens.size == 0:
            return np.zeros(0, dtype=np.int64)
        if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
            raise TypeError(
                f"{name} has shape {tokens.shape} and dtype {tokens.dtype}; expected (T,) integers. "
                "Encode tokens first, one sequence at a time."
            )
        if tokens.min() < 0 or tokens.max() >= self.V:
            raise ValueError(
                f"{name} run from {tokens.min()} to {tokens.max()}; expected 0 to V - 1 = {self.V - 1}. "
                "Is V the length of the vocabulary that encoded them?"
            )
        return tokens.astype(np.int64)
