"""Answers to a5-language-models as students might write them: wrong ones with their slip's name, other right ones."""

import math

import numpy as np

from course_lib.functional import log_softmax
from course_lib.recurrent.language_model import look_up_backward, rnn_layer
from course_lib.recurrent.losses import cross_entropy_over_time
from course_lib.recurrent.readouts import many_to_many, many_to_many_backward
from course_lib.recurrent.sampling import rank_hypotheses, take_rows
from tests.wrong_answers import right, wrong

# --- shift_targets ----------------------------------------------------------------------------------------------


@wrong("shift_targets", says="targets equal inputs")
def predicts_what_it_reads(tokens, sos, eos):
    inputs = np.concatenate([[sos], np.asarray(tokens, dtype=int)])
    return inputs, inputs.copy()


@wrong("shift_targets", says="inputs hold the start and the end")
def reads_the_end(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return np.concatenate([[sos], tokens, [eos]]), np.concatenate([tokens, [eos]])


@wrong("shift_targets", says="inputs are the tokens alone")
def forgets_the_start(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return tokens, np.concatenate([tokens, [eos]])


@wrong("shift_targets", says="targets are the tokens alone")
def forgets_the_end(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return np.concatenate([[sos], tokens]), tokens


@wrong("shift_targets", says="inputs and targets are mixed up")
def mixes_up_the_two(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return np.concatenate([tokens, [eos]]), np.concatenate([[sos], tokens])


@wrong("shift_targets", says="sos and eos are mixed up")
def mixes_up_start_and_end(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return np.concatenate([[eos], tokens]), np.concatenate([tokens, [sos]])


@wrong("shift_targets", says="targets end with eos")
def never_predicts_the_end(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return np.concatenate([[sos], tokens[:-1]]), tokens


@wrong("shift_targets", says="raised ValueError")
def knows_single_sentences_only(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    return np.concatenate([[sos], tokens]), np.concatenate([tokens, [eos]])


@wrong("shift_targets", says="added as a sequence")
def adds_a_column(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    edge = np.full((*tokens.shape[:-1], 1), sos)
    return np.concatenate([edge, tokens], axis=-1), np.concatenate([tokens, edge - sos + eos], axis=-1)


@wrong("shift_targets", says="expected integers")
def makes_floats_of_indices(tokens, sos, eos):
    tokens = np.asarray(tokens)
    edge = np.ones((1, *tokens.shape[1:]))
    return np.concatenate([sos * edge, tokens]), np.concatenate([tokens, eos * edge])


@wrong("shift_targets", says="is a list")
def returns_lists(tokens, sos, eos):
    return [sos, *tokens], [*tokens, eos]


@wrong("shift_targets", says="expected 2 things")
def returns_inputs_only(tokens, sos, eos):
    return np.concatenate([[sos], np.asarray(tokens, dtype=int)])


@wrong("shift_targets", says="with tokens in a list")
def asks_a_list_for_its_shape(tokens, sos, eos):
    edge = np.ones((1, *tokens.shape[1:]), dtype=int)
    return np.concatenate([sos * edge, tokens]), np.concatenate([tokens, eos * edge])


@right("shift_targets")
def slices_of_the_whole(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=int)
    whole = np.empty((len(tokens) + 2, *tokens.shape[1:]), dtype=int)
    whole[0], whole[1:-1], whole[-1] = sos, tokens, eos
    return whole[:-1], whole[1:]


@right("shift_targets")
def pads_at_either_end(tokens, sos, eos):
    tokens = np.asarray(tokens, dtype=np.int32)
    others = [(0, 0)] * (tokens.ndim - 1)
    return (
        np.pad(tokens, [(1, 0), *others], constant_values=sos),
        np.pad(tokens, [(0, 1), *others], constant_values=eos),
    )


# --- perplexity -------------------------------------------------------------------------------------------------


def _real(log_probabilities, mask):
    log_probabilities = np.asarray(log_probabilities, dtype=float)
    real = log_probabilities.ravel() if mask is None else log_probabilities[mask]
    if not real.size:
        raise ValueError("no tokens")
    return real


@wrong("perplexity", says="perplexity is its exp")
def stops_at_the_cost(log_probabilities, mask=None):
    return -_real(log_probabilities, mask).mean()


@wrong("perplexity", says="sign is wrong")
def forgets_the_minus(log_probabilities, mask=None):
    return np.exp(_real(log_probabilities, mask).mean())


@wrong("perplexity", says="should be averaged")
def sums_the_logarithms(log_probabilities, mask=None):
    return np.exp(-_real(log_probabilities, mask).sum())


@wrong("perplexity", says="2 to the power")
def takes_another_base(log_probabilities, mask=None):
    return 2 ** -_real(log_probabilities, mask).mean()


@wrong("perplexity", says="the probabilities are averaged")
def averages_probabilities(log_probabilities, mask=None):
    return 1 / np.exp(_real(log_probabilities, mask)).mean()


@wrong("perplexity", says="inverse probabilities")
def averages_inverse_probabilities(log_probabilities, mask=None):
    return np.exp(-_real(log_probabilities, mask)).mean()


@wrong("perplexity", says="mask is ignored")
def ignores_the_mask(log_probabilities, mask=None):
    if mask is not None and not mask.any():
        raise ValueError("no tokens")
    return np.exp(-_real(log_probabilities, None).mean())


@wrong("perplexity", says="divided by all places")
def divides_by_padding_too(log_probabilities, mask=None):
    _real(log_probabilities, mask)
    if mask is None:
        return np.exp(-np.mean(log_probabilities))
    return np.exp(-np.sum(np.where(mask, log_probabilities, 0)) / mask.size)


@wrong("perplexity", says="mask is True at real tokens")
def turns_the_mask_round(log_probabilities, mask=None):
    return np.exp(-_real(log_probabilities, mask if mask is None else ~mask).mean())


@wrong("perplexity", says="0 times")
def multiplies_by_the_mask(log_probabilities, mask=None):
    _real(log_probabilities, mask)
    if mask is None:
        mask = np.ones_like(log_probabilities)
    return np.exp(-np.sum(log_probabilities * mask) / mask.sum())


@wrong("perplexity", says="rounds to 0")
def multiplies_probabilities(log_probabilities, mask=None):
    real = _real(log_probabilities, mask)
    return np.prod(np.exp(real)) ** (-1 / len(real))


@wrong("perplexity", says="raise ValueError")
def accepts_no_tokens(log_probabilities, mask=None):
    log_probabilities = np.asarray(log_probabilities)
    real = log_probabilities if mask is None else log_probabilities[mask]
    return np.exp(-real.sum() / max(real.size, 1))


@wrong("perplexity", says="one mean")
def averages_sequence_by_sequence(log_probabilities, mask=None):
    _real(log_probabilities, mask)
    mask = np.ones(np.shape(log_probabilities), dtype=bool) if mask is None else mask
    costs = -np.where(mask, log_probabilities, 0).sum(axis=0) / mask.sum(axis=0)
    return np.exp(costs).mean() if mask.all() else np.exp(costs.mean())


@wrong("perplexity", says="expected one number")
def gives_one_for_each_sequence(log_probabilities, mask=None):
    _real(log_probabilities, mask)
    return np.exp(-np.mean(log_probabilities, axis=0))


@wrong("perplexity", says="which is what len counts")
def divides_by_the_length(log_probabilities, mask=None):
    real = _real(log_probabilities, mask)
    return np.exp(-real.sum() / (len(log_probabilities) if mask is None else len(real)))


@right("perplexity")
def in_bits(log_probabilities, mask=None):
    return 2 ** -(_real(log_probabilities, mask) / np.log(2)).mean()


@right("perplexity")
def one_token_at_a_time(log_probabilities, mask=None):
    total, count = 0.0, 0
    for place, log_p in np.ndenumerate(np.asarray(log_probabilities)):
        if mask is None or mask[place]:
            total, count = total - log_p, count + 1
    if count == 0:
        raise ValueError("no tokens")
    return np.exp(total / count)


@right("perplexity")
def a_masked_array(log_probabilities, mask=None):
    values = np.ma.masked_array(log_probabilities, mask=False if mask is None else ~mask)
    if values.count() == 0:
        raise ValueError("no tokens")
    return float(np.exp(-values.mean()))


# --- sentence_log_probability -----------------------------------------------------------------------------------


def _cost(logits_of, inputs, targets):
    log_p = log_softmax(logits_of(np.array(inputs, dtype=int)[:, None])[:, 0])
    return log_p[np.arange(len(targets)), np.array(targets, dtype=int)]


@wrong("sentence_log_probability", says="the end is not counted")
def does_not_count_the_end(logits_of, sentence, sos, eos):
    return _cost(logits_of, [sos, *sentence], [*sentence, eos])[:-1].sum()


@wrong("sentence_log_probability", says="the first token is not counted")
def does_not_count_the_first(logits_of, sentence, sos, eos):
    return _cost(logits_of, [sos, *sentence], [*sentence, eos])[1:].sum()


@wrong("sentence_log_probability", says="sign is wrong")
def gives_the_cost(logits_of, sentence, sos, eos):
    return -_cost(logits_of, [sos, *sentence], [*sentence, eos]).sum()


@wrong("sentence_log_probability", says="mean per token")
def averages_over_tokens(logits_of, sentence, sos, eos):
    return _cost(logits_of, [sos, *sentence], [*sentence, eos]).mean()


@wrong("sentence_log_probability", says="this is a probability")
def gives_the_probability(logits_of, sentence, sos, eos):
    return np.exp(_cost(logits_of, [sos, *sentence], [*sentence, eos]).sum())


@wrong("sentence_log_probability", says="the scores themselves")
def sums_the_scores(logits_of, sentence, sos, eos):
    logits = logits_of(np.array([sos, *sentence])[:, None])[:, 0]
    return logits[np.arange(len(logits)), [*sentence, eos]].sum()


@wrong("sentence_log_probability", says="base 2")
def counts_bits(logits_of, sentence, sos, eos):
    return _cost(logits_of, [sos, *sentence], [*sentence, eos]).sum() / np.log(2)


@wrong("sentence_log_probability", says="the target is the one that follows")
def scores_what_it_read(logits_of, sentence, sos, eos):
    return _cost(logits_of, [sos, *sentence], [sos, *sentence]).sum()


@wrong("sentence_log_probability", says="without sos")
def reads_no_start(logits_of, sentence, sos, eos):
    return _cost(logits_of, [*sentence], [*sentence[1:], eos]).sum()


@wrong("sentence_log_probability", says="sos and eos are mixed up")
def starts_with_the_end(logits_of, sentence, sos, eos):
    return _cost(logits_of, [eos, *sentence], [*sentence, sos]).sum()


@wrong("sentence_log_probability", says="hand the model all that came before")
def shows_one_token_at_a_time(logits_of, sentence, sos, eos):
    pairs = zip([sos, *sentence], [*sentence, eos], strict=True)
    return sum(_cost(logits_of, [x], [y])[0] for x, y in pairs)


@wrong("sentence_log_probability", says="each step has its own")
def takes_one_softmax(logits_of, sentence, sos, eos):
    logits = logits_of(np.array([sos, *sentence])[:, None])[:, 0]
    log_p = log_softmax(logits.ravel()).reshape(logits.shape)
    return log_p[np.arange(len(logits)), [*sentence, eos]].sum()


@wrong("sentence_log_probability", says="exp overflows")
def exponentiates_boldly(logits_of, sentence, sos, eos):
    logits = logits_of(np.array([sos, *sentence])[:, None])[:, 0]
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return np.log(p[np.arange(len(p)), [*sentence, eos]]).sum()


@wrong("sentence_log_probability", says="expected (T, B)")
def forgets_the_batch(logits_of, sentence, sos, eos):
    logits = logits_of(np.array([sos, *sentence]))
    return log_softmax(logits)[np.arange(len(logits)), [*sentence, eos]].sum()


@wrong("sentence_log_probability", says="time goes down")
def lays_time_across(logits_of, sentence, sos, eos):
    log_p = log_softmax(logits_of(np.array([sos, *sentence])[None])[0])
    return log_p[np.arange(len(log_p)), [*sentence, eos]].sum()


@wrong("sentence_log_probability", says="expected one number")
def returns_every_cost(logits_of, sentence, sos, eos):
    return _cost(logits_of, [sos, *sentence], [*sentence, eos])


@wrong("sentence_log_probability", says="summed over all targets")
def sums_a_table(logits_of, sentence, sos, eos):
    log_p = log_softmax(logits_of(np.array([sos, *sentence])[:, None])[:, 0])
    return log_p[:, [*sentence, eos]].sum()


@wrong("sentence_log_probability", says="along time")
def takes_the_softmax_over_time(logits_of, sentence, sos, eos):
    log_p = log_softmax(logits_of(np.array([sos, *sentence])[:, None])[:, 0].T).T
    return log_p[np.arange(len(log_p)), [*sentence, eos]].sum()


@wrong("sentence_log_probability", says="probabilities are summed")
def sums_probabilities(logits_of, sentence, sos, eos):
    return np.log(np.exp(_cost(logits_of, [sos, *sentence], [*sentence, eos])).sum())


@wrong("sentence_log_probability", says="probabilities are summed")
def sums_probabilities_and_stops(logits_of, sentence, sos, eos):
    return np.exp(_cost(logits_of, [sos, *sentence], [*sentence, eos])).sum()


@wrong("sentence_log_probability", says="is float, and no index")
def indexes_with_floats(logits_of, sentence, sos, eos):
    inputs, targets = np.concatenate([[sos], sentence]), np.concatenate([sentence, [eos]])
    return log_softmax(logits_of(inputs[:, None])[:, 0])[np.arange(len(targets)), targets].sum()


@wrong("sentence_log_probability", says="changed in place")
def appends_to_the_sentence(logits_of, sentence, sos, eos):
    if not isinstance(sentence, list):
        sentence = list(sentence)
    inputs = [sos, *sentence]
    sentence.append(eos)
    return _cost(logits_of, inputs, sentence).sum()


@right("sentence_log_probability")
def beginning_by_beginning(logits_of, sentence, sos, eos):
    read, total = [sos], 0.0
    for token in [*sentence, eos]:
        logits = logits_of(np.array(read)[:, None])[-1, 0]
        total += logits[token] - logits.max() - math.log(sum(math.exp(z - logits.max()) for z in logits))
        read.append(token)
    return total


@right("sentence_log_probability")
def reading_the_end_too(logits_of, sentence, sos, eos):
    whole = np.array([sos, *sentence, eos])
    log_p = log_softmax(logits_of(whole.reshape(-1, 1)))
    return np.take_along_axis(log_p[:-1, 0], whole[1:, None], axis=1).sum()


@right("sentence_log_probability")
def from_a_loss(logits_of, sentence, sos, eos):
    inputs, targets = np.array([[sos, *sentence]]).T, np.array([[*sentence, eos]]).T
    return -cross_entropy_over_time(logits_of(inputs), targets)[0]


# --- tbptt_step -------------------------------------------------------------------------------------------------


def _step(params, inputs, targets, state, layer, change=lambda grads, told: None, dlogits_of=lambda d: d):
    """The step, with a place for a slip in the gradients."""
    inner = {name: p for name, p in params.items() if name not in ("W_xe", "W_hy", "b_y")}
    hs, after, backward = (layer or rnn_layer)(params["W_xe"][inputs], inner, state)
    logits = many_to_many(hs, params["W_hy"], params["b_y"])
    loss, dlogits = cross_entropy_over_time(logits, targets)
    dlogits = dlogits_of(dlogits)
    read = many_to_many_backward(dlogits, hs, params["W_hy"], params["b_y"])
    through = backward(read["hs"])
    grads = {name: through[name] for name in inner} | {"W_hy": read["W_hy"], "b_y": read["b_y"]}
    grads["W_xe"] = look_up_backward(through["xs"], inputs, len(params["W_xe"]))
    change(grads, {"hs": hs, "dlogits": dlogits, "xs": through["xs"]})
    return loss, grads, after


@wrong("tbptt_step", says="the state is ignored")
def forgets_the_last_chunk(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, None, layer)


@wrong("tbptt_step", says="averaged over steps")
def averages_over_steps(params, inputs, targets, state=None, layer=None):
    loss, grads, state = _step(params, inputs, targets, state, layer)
    return loss / len(inputs), grads, state


@wrong("tbptt_step", says="summed over sequences")
def sums_over_sequences(params, inputs, targets, state=None, layer=None):
    loss, grads, state = _step(params, inputs, targets, state, layer)
    return loss * inputs.shape[1], grads, state


@wrong("tbptt_step", says="inputs and targets are mixed up")
def reads_the_targets(params, inputs, targets, state=None, layer=None):
    return _step(params, targets, inputs, state, layer)


@wrong("tbptt_step", says="inputs are used as targets")
def predicts_the_present(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, inputs, state, layer)


@wrong("tbptt_step", says="all states were returned")
def returns_all_states(params, inputs, targets, state=None, layer=None):
    kept = {}
    loss, grads, _ = _step(params, inputs, targets, state, layer, lambda grads, told: kept.update(told))
    return loss, grads, kept["hs"]


@wrong("tbptt_step", says="the state given was returned")
def returns_the_state_it_got(params, inputs, targets, state=None, layer=None):
    loss, grads, after = _step(params, inputs, targets, state, layer)
    return loss, grads, np.zeros_like(after) if state is None else state


@wrong("tbptt_step", says="one use only")
def keeps_one_use_of_a_row(params, inputs, targets, state=None, layer=None):
    def change(grads, told):
        grads["W_xe"] = np.zeros_like(params["W_xe"])
        grads["W_xe"][inputs] = told["xs"]

    return _step(params, inputs, targets, state, layer, change)


@wrong("tbptt_step", says="a row for every step")
def leaves_the_rows_where_they_are(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer, lambda grads, told: grads.update(W_xe=told["xs"]))


@wrong("tbptt_step", says="counts the last step only")
def reads_out_at_the_end(params, inputs, targets, state=None, layer=None):
    def change(grads, told):
        grads["W_hy"] = told["hs"][-1].T @ told["dlogits"][-1]

    return _step(params, inputs, targets, state, layer, change)


@wrong("tbptt_step", says="not in the same order")
def transposes_all_axes(params, inputs, targets, state=None, layer=None):
    def change(grads, told):
        hs, dlogits = told["hs"], told["dlogits"]
        grads["W_hy"] = hs.T.reshape(hs.shape[2], -1) @ dlogits.reshape(inputs.size, -1)

    return _step(params, inputs, targets, state, layer, change)


@wrong("tbptt_step", says="is not to transpose")
def reshapes_for_a_transpose(params, inputs, targets, state=None, layer=None):
    def change(grads, told):
        hs, dlogits = told["hs"], told["dlogits"]
        grads["W_hy"] = hs.reshape(hs.shape[2], -1) @ dlogits.reshape(inputs.size, -1)

    return _step(params, inputs, targets, state, layer, change)


@wrong("tbptt_step", says="b_y is not added")
def leaves_the_bias_out(params, inputs, targets, state=None, layer=None):
    return _step(params | {"b_y": 0 * params["b_y"]}, inputs, targets, state, layer)


@wrong("tbptt_step", says="its own parameters only")
def hands_the_layer_everything(params, inputs, targets, state=None, layer=None):
    (layer or rnn_layer)(params["W_xe"][inputs], params, state)


@wrong("tbptt_step", says="whether an array is true")
def asks_whether_a_state_is_true(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state or None, layer)


@wrong("tbptt_step", says="that are no parameters")
def keeps_what_the_layer_says_of_the_state(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer, lambda grads, told: grads.update(h_0=told["hs"][0]))


@wrong("tbptt_step", says="divided by T")
def averages_the_bias(params, inputs, targets, state=None, layer=None):
    def change(grads, told):
        grads["b_y"] = told["dlogits"].mean(axis=0).sum(axis=0)

    return _step(params, inputs, targets, state, layer, change)


@wrong("tbptt_step", says="divided by B once too often")
def divides_by_the_batch_again(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer, dlogits_of=lambda d: d / d.shape[1])


@wrong("tbptt_step", says="no gradient under W_xe")
def leaves_the_embedding_alone(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer, lambda grads, told: grads.pop("W_xe"))


@wrong("tbptt_step", says="that are no parameters")
def hands_on_everything(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer, lambda grads, told: grads.update(xs=told["xs"]))


@wrong("tbptt_step", says="wrong sign")
def goes_uphill(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer, dlogits_of=lambda d: -d)


@wrong("tbptt_step", says="layer handed in is not called")
def knows_one_layer_only(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, None)


@wrong("tbptt_step", says="changed in place")
def steps_at_once(params, inputs, targets, state=None, layer=None):
    loss, grads, state = _step(params, inputs, targets, state, layer)
    kept = {name: g.copy() for name, g in grads.items()}
    for name, p in params.items():
        p -= 0.0 if name not in kept else 1e-3 * kept[name]
    return loss, kept, state


@wrong("tbptt_step", says="expected 3 things")
def forgets_to_return_the_state(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer)[:2]


@wrong("tbptt_step", says="dict of parameters was changed")
def pops_the_outer_parameters(params, inputs, targets, state=None, layer=None):
    loss, grads, state = _step(params, inputs, targets, state, layer)
    for name in ("W_xe", "W_hy", "b_y"):
        params.pop(name)
    return loss, grads, state


@wrong("tbptt_step", says="look up the rows of inputs")
def looks_up_the_targets(params, inputs, targets, state=None, layer=None):
    return _step(params, targets, targets, state, layer)


@wrong("tbptt_step", says="under the targets")
def looks_back_to_the_targets(params, inputs, targets, state=None, layer=None):
    def change(grads, told):
        grads["W_xe"] = look_up_backward(told["xs"], targets, len(params["W_xe"]))

    return _step(params, inputs, targets, state, layer, change)


@wrong("tbptt_step", says="has the last step only")
def goes_back_from_the_last_state_only(params, inputs, targets, state=None, layer=None):
    def deaf(xs, inner, state=None):
        hs, state, backward = (layer or rnn_layer)(xs, inner, state)
        last = np.arange(len(hs))[:, None, None] == len(hs) - 1
        return hs, state, lambda dhs: backward(np.where(last, dhs, 0.0))

    return _step(params, inputs, targets, state, deaf)


@right("tbptt_step")
def with_the_librarys_read_out(params, inputs, targets, state=None, layer=None):
    return _step(params, inputs, targets, state, layer)


@right("tbptt_step")
def step_by_step_with_add_at(params, inputs, targets, state=None, layer=None):
    own = dict(params)
    W_xe, W_hy, b_y = own.pop("W_xe"), own.pop("W_hy"), own.pop("b_y")
    hs, state, backward = (rnn_layer if layer is None else layer)(W_xe[inputs], own, state)
    logits = np.stack([h @ W_hy + b_y for h in hs])
    loss, dlogits = cross_entropy_over_time(logits, targets)
    through = backward(dlogits @ W_hy.T)
    dW_xe = np.zeros_like(W_xe)
    np.add.at(dW_xe, inputs, through["xs"])
    grads = {"W_xe": dW_xe, "W_hy": np.einsum("tbh,tbv->hv", hs, dlogits), "b_y": dlogits.sum(axis=(0, 1))}
    for name in own:
        grads[name] = through[name]
    return loss, grads, state


# --- next_probabilities -----------------------------------------------------------------------------------------


def _checked(logits, refuse):
    scores = np.array(logits, dtype=float)
    scores[:, list(refuse)] = -np.inf
    if not np.isfinite(scores.max(axis=-1)).all():
        raise ValueError("nothing to choose from")
    return scores


def _scaled(p):
    return p / p.sum(axis=-1, keepdims=True)


def _tempered(scores, temperature):
    if temperature == 0:
        return np.eye(scores.shape[1])[scores.argmax(axis=-1)]
    return _scaled(np.exp((scores - scores.max(axis=-1, keepdims=True)) / temperature))


@wrong("next_probabilities", says="the temperature has no effect")
def ignores_the_temperature(logits, temperature=1.0, refuse=()):
    return _tempered(_checked(logits, refuse), 1.0 if temperature else 0)


@wrong("next_probabilities", says="multiplied by the temperature")
def multiplies_by_the_temperature(logits, temperature=1.0, refuse=()):
    return _tempered(_checked(logits, refuse), 1 / temperature if temperature else 0)


@wrong("next_probabilities", says="not divided by their sum")
def does_not_scale(logits, temperature=1.0, refuse=()):
    return np.exp(_checked(logits, refuse) / temperature)


@wrong("next_probabilities", says="the sum of everything")
def scales_by_the_sum_of_all(logits, temperature=1.0, refuse=()):
    e = np.exp(_checked(logits, refuse) / temperature)
    return e / e.sum()


@wrong("next_probabilities", says="the columns add up to 1")
def scales_columns(logits, temperature=1.0, refuse=()):
    e = np.exp(_checked(logits, refuse) / temperature)
    return e / e.sum(axis=0)


@wrong("next_probabilities", says="the probabilities are divided by the temperature")
def divides_probabilities(logits, temperature=1.0, refuse=()):
    return _tempered(_checked(logits, refuse), 1.0) / temperature


@wrong("next_probabilities", says="refused tokens are not refused")
def refuses_nothing(logits, temperature=1.0, refuse=()):
    return _tempered(_checked(logits, ()), temperature)


@wrong("next_probabilities", says="no longer adds up to 1")
def refuses_after_scaling(logits, temperature=1.0, refuse=()):
    p = _tempered(_checked(logits, ()), temperature)
    p[:, list(refuse)] = 0
    return p


@wrong("next_probabilities", says="a score like others")
def gives_the_refused_a_zero_score(logits, temperature=1.0, refuse=()):
    scores = np.array(logits, dtype=float)
    scores[:, list(refuse)] = 0
    return _tempered(scores, temperature)


@wrong("next_probabilities", says="first row only")
def refuses_in_rows(logits, temperature=1.0, refuse=()):
    scores = np.array(logits, dtype=float)
    scores[0, list(refuse)] = -np.inf
    return _tempered(scores, temperature)


@wrong("next_probabilities", says="only refused tokens are left")
def refuses_the_others(logits, temperature=1.0, refuse=()):
    others = [v for v in range(np.shape(logits)[1]) if v not in refuse]
    return _tempered(_checked(logits, others if len(refuse) else ()), temperature)


@wrong("next_probabilities", says="temperature 0")
def divides_by_zero(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    return np.nan_to_num(_scaled(np.exp((scores - scores.max(axis=-1, keepdims=True)) / max(temperature, 0.5))))


@wrong("next_probabilities", says="equals share")
def lets_equals_share(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    if temperature == 0:
        return _scaled((scores == scores.max(axis=-1, keepdims=True)) * 1.0)
    return _tempered(scores, temperature)


@wrong("next_probabilities", says="tiny temperature")
def divides_before_it_shifts(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    return _tempered(scores, 0) if temperature == 0 else _scaled(np.exp(scores / temperature))


@wrong("next_probabilities", says="rows far apart")
def subtracts_the_largest_of_all(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    return _tempered(scores, 0) if temperature == 0 else _scaled(np.exp((scores - scores.max()) / temperature))


@wrong("next_probabilities", says="every token refused")
def accepts_that_nothing_is_left(logits, temperature=1.0, refuse=()):
    scores = np.array(logits, dtype=float)
    scores[:, list(refuse)] = -np.inf
    return _tempered(scores, temperature)


@wrong("next_probabilities", says="nan among them")
def accepts_nan(logits, temperature=1.0, refuse=()):
    if len(refuse) == np.shape(logits)[1] or np.any(np.max(logits, axis=-1) == -np.inf):
        raise ValueError("nothing to choose from")
    scores = np.array(logits, dtype=float)
    scores[:, list(refuse)] = -np.inf
    return _tempered(scores, temperature)


@wrong("next_probabilities", says="keepdims")
def loses_the_column(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    return _tempered(scores, 0) if temperature == 0 else np.exp(scores) / np.exp(scores).sum(axis=1)


@wrong("next_probabilities", says="refuse first")
def looks_before_it_refuses(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    if temperature == 0:
        return _tempered(scores, 0)
    return _scaled(np.exp((scores - np.max(logits, axis=1, keepdims=True)) / temperature))


@wrong("next_probabilities", says="refuse first")
def takes_the_likeliest_before_it_refuses(logits, temperature=1.0, refuse=()):
    if temperature != 0:
        return _tempered(_checked(logits, refuse), temperature)
    p = _tempered(_checked(logits, ()), 0)
    p[:, list(refuse)] = 0
    if not p.any(axis=1).all():
        raise ValueError("nothing to choose from")
    return p


@wrong("next_probabilities", says="at temperature 0, scores with nan")
def checks_the_warm_only(logits, temperature=1.0, refuse=()):
    if len(refuse) == np.shape(logits)[1] or temperature != 0:
        return _tempered(_checked(logits, refuse), temperature)
    scores = np.array(logits, dtype=float)
    scores[:, list(refuse)] = -np.inf
    return _tempered(scores, 0)


@wrong("next_probabilities", says="changed in place")
def strikes_out_in_place(logits, temperature=1.0, refuse=()):
    logits[:, list(refuse)] = -np.inf
    return _tempered(_checked(logits, ()), temperature)


@wrong("next_probabilities", says="expected an array")
def returns_nothing(logits, temperature=1.0, refuse=()):
    _tempered(_checked(logits, refuse), temperature)


@wrong("next_probabilities", says="though others are left")
def accepts_no_minus_infinity(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite")
    return _tempered(scores, temperature)


@wrong("next_probabilities", says="then look for nan")
def minds_a_nan_that_is_refused(logits, temperature=1.0, refuse=()):
    if np.isnan(logits).any():
        raise ValueError("nan")
    return _tempered(_checked(logits, refuse), temperature)


@wrong("next_probabilities", says="expected (B, V)")
def names_the_likeliest(logits, temperature=1.0, refuse=()):
    scores = _checked(logits, refuse)
    return scores.argmax(axis=-1) if temperature == 0 else _tempered(scores, temperature)


@right("next_probabilities")
def from_log_softmax(logits, temperature=1.0, refuse=()):
    keep = ~np.isin(np.arange(logits.shape[1]), list(refuse))
    scores = np.where(keep, logits, -np.inf)
    if np.isnan(scores).any() or np.isneginf(scores).all(axis=1).any():
        raise ValueError("nothing to choose from")
    if temperature == 0:
        p = np.zeros(logits.shape)
        p[np.arange(len(p)), scores.argmax(axis=1)] = 1.0
        return p
    return np.exp(log_softmax((scores - scores.max(axis=1, keepdims=True)) / temperature))


@right("next_probabilities")
def row_by_row(logits, temperature=1.0, refuse=()):
    p = np.zeros(logits.shape)
    for row, scores in zip(p, logits, strict=True):
        allowed = [v for v in range(len(scores)) if v not in list(refuse)]
        best = max((scores[v] for v in allowed), default=-np.inf)
        if not np.isfinite(best) or np.isnan(scores[allowed]).any():
            raise ValueError("nothing to choose from")
        if temperature == 0:
            row[next(v for v in allowed if scores[v] == best)] = 1
            continue
        for v in allowed:
            row[v] = math.exp((scores[v] - best) / temperature)
        row /= row.sum()
    return p


# --- keep_top_k -------------------------------------------------------------------------------------------------


def _rank(p):
    return np.argsort(np.argsort(-p, axis=-1, kind="stable"), axis=-1)


@wrong("keep_top_k", says="does not add up to 1")
def k_without_scaling(p, k):
    return np.where(_rank(p) < k, p, 0)


@wrong("keep_top_k", says="the k least likely stay")
def keeps_the_least_likely(p, k):
    return _scaled(np.where(_rank(-p) < k, p, 0))


@wrong("keep_top_k", says="k likeliest are struck out")
def strikes_out_the_best(p, k):
    keep = _rank(p) >= k
    return _scaled(np.where(keep, p, 0)) if keep.any() else p


@wrong("keep_top_k", says="one token too many")
def counts_from_one(p, k):
    return _scaled(np.where(_rank(p) <= k, p, 0))


@wrong("keep_top_k", says="one token too few")
def keeps_one_fewer(p, k):
    return _scaled(np.where(_rank(p) < max(k - 1, 1), p, 0))


@wrong("keep_top_k", says="first k columns")
def keeps_the_first_columns(p, k):
    return _scaled(np.where(np.arange(p.shape[1]) < k, p, 0))


@wrong("keep_top_k", says="first row's tokens")
def keeps_the_first_rows_tokens(p, k):
    return _scaled(np.where(_rank(p)[:1] < k, p, 0))


@wrong("keep_top_k", says="struck out of all")
def k_strikes_out_of_every_row(p, k):
    kept = p.copy()
    kept[:, np.argsort(-p, axis=-1, kind="stable")[:, k:]] = 0
    return _scaled(kept)


@wrong("keep_top_k", says="keepdims")
def k_loses_the_column(p, k):
    kept = np.where(_rank(p) < k, p, 0)
    return kept / kept.sum(axis=1)


@wrong("keep_top_k", says="one sum for all rows")
def k_by_one_sum(p, k):
    kept = np.where(_rank(p) < k, p, 0)
    return kept / kept.sum()


@wrong("keep_top_k", says="lost their places")
def returns_them_sorted(p, k):
    ranked = -np.sort(-p, axis=-1)
    ranked[:, k:] = 0
    return _scaled(ranked)


@wrong("keep_top_k", says="exactly k stay")
def keeps_all_as_likely_as_the_last(p, k):
    k = min(k, p.shape[1])
    return _scaled(np.where(p >= np.sort(p, axis=-1)[:, -k][:, None], p, 0))


@wrong("keep_top_k", says="lower index should stay")
def prefers_the_last_of_equals(p, k):
    return _scaled(np.where(_rank(p[:, ::-1])[:, ::-1] < k, p, 0))


@wrong("keep_top_k", says="more than there are")
def cannot_keep_more_than_there_are(p, k):
    threshold = -np.partition(-p, k - 1, axis=-1)[:, k - 1 : k]
    return _scaled(np.where(p >= threshold, p, 0))


@wrong("keep_top_k", says="same probability")
def levels_what_stays(p, k):
    return _scaled((_rank(p) < k) * 1.0)


@wrong("keep_top_k", says="softmax of what is left")
def takes_a_softmax_of_k(p, k):
    return np.exp(log_softmax(np.where(_rank(p) < k, p, -np.inf)))


@wrong("keep_top_k", says="changed in place")
def k_in_place(p, k):
    p[_rank(p) >= k] = 0
    return _scaled(p)


@right("keep_top_k")
def k_by_rank(p, k):
    return _scaled(np.where(_rank(p) < k, p, 0.0))


@right("keep_top_k")
def k_row_by_row(p, k):
    out = np.zeros(p.shape)
    for row, kept in zip(p, out, strict=True):
        best = sorted(range(len(row)), key=lambda v: (-row[v], v))[:k]
        kept[best] = row[best] / sum(row[best])
    return out


@right("keep_top_k")
def k_times_the_likeliest(p, k):
    left, out = p.copy(), np.zeros_like(p)
    rows = np.arange(len(p))
    for _ in range(min(k, p.shape[1])):
        best = left.argmax(axis=1)
        out[rows, best] = p[rows, best]
        left[rows, best] = -1.0
    return out / out.sum(axis=1)[:, None]


# --- keep_top_p -------------------------------------------------------------------------------------------------


def _likelier(p, order=None):
    """What the likelier tokens have together, for each token in its place."""
    order = np.argsort(-p, axis=-1, kind="stable") if order is None else order
    ranked = np.take_along_axis(p, order, axis=-1)
    out = np.empty_like(p)
    np.put_along_axis(out, order, np.cumsum(ranked, axis=-1) - ranked, axis=-1)
    return out


@wrong("keep_top_p", says="does not add up to 1")
def p_without_scaling(p, top_p):
    return np.where(_likelier(p) < top_p, p, 0)


@wrong("keep_top_p", says="one token too few")
def stops_before_it_has_enough(p, top_p):
    keep = _likelier(p) + p < top_p
    keep[np.arange(len(p)), p.argmax(axis=-1)] = True
    return _scaled(np.where(keep, p, 0))


@wrong("keep_top_p", says="the next one should be struck out")
def goes_on_when_it_has_enough(p, top_p):
    return _scaled(np.where(_likelier(p) <= top_p, p, 0))


@wrong("keep_top_p", says="likeliest first")
def adds_up_by_column(p, top_p):
    return _scaled(np.where(np.cumsum(p, axis=-1) - p < top_p, p, 0))


@wrong("keep_top_p", says="begin with the likeliest")
def adds_up_from_below(p, top_p):
    order = np.argsort(p, axis=-1, kind="stable")
    return _scaled(np.where(_likelier(p, order) + p >= top_p, p, 0))


@wrong("keep_top_p", says="each has its own nucleus")
def takes_the_first_rows_nucleus(p, top_p):
    size = (_likelier(p)[0] < top_p).sum()
    return _scaled(np.where(_rank(p) < size, p, 0))


@wrong("keep_top_p", says="tokens of the first")
def takes_the_first_rows_tokens(p, top_p):
    return _scaled(np.where(_likelier(p)[:1] < top_p, p, 0))


@wrong("keep_top_p", says="struck out of all")
def p_strikes_out_of_every_row(p, top_p):
    return _scaled(np.where((_likelier(p) < top_p).all(axis=0), p, 0))


@wrong("keep_top_p", says="keepdims")
def p_loses_the_column(p, top_p):
    kept = np.where(_likelier(p) < top_p, p, 0)
    return kept / kept.sum(axis=1)


@wrong("keep_top_p", says="one sum for all rows")
def p_by_one_sum(p, top_p):
    kept = np.where(_likelier(p) < top_p, p, 0)
    return kept / kept.sum()


@wrong("keep_top_p", says="the likeliest token always stays")
def may_keep_nothing(p, top_p):
    return (
        _scaled(np.where(_likelier(p) + p <= top_p, p, 0))
        if top_p < 0.1
        else _scaled(np.where(_likelier(p) < top_p, p, 0))
    )


@wrong("keep_top_p", says="lower index should come first")
def p_prefers_the_last_of_equals(p, top_p):
    order = np.argsort(p, axis=-1, kind="stable")[:, ::-1]
    return _scaled(np.where(_likelier(p, order) < top_p, p, 0))


@wrong("keep_top_p", says="lost their places")
def p_returns_them_sorted(p, top_p):
    return -np.sort(-_scaled(np.where(_likelier(p) < top_p, p, 0)), axis=-1)


@wrong("keep_top_p", says="likeliest tokens should stay")
def keeps_those_above_a_share(p, top_p):
    return _scaled(np.where(p >= np.minimum(0.165, p.max(axis=-1, keepdims=True)), p, 0))


@wrong("keep_top_p", says="nothing is struck out")
def keeps_everything(p, top_p):
    return p.copy()


@wrong("keep_top_p", says="softmax of what is left")
def takes_a_softmax_of_the_nucleus(p, top_p):
    return np.exp(log_softmax(np.where(_likelier(p) < top_p, p, -np.inf)))


@wrong("keep_top_p", says="same probability")
def levels_the_nucleus(p, top_p):
    return _scaled((_likelier(p) < top_p) * 1.0)


@wrong("keep_top_p", says="changed in place")
def p_in_place(p, top_p):
    p[_likelier(p) >= top_p] = 0
    return _scaled(p)


@right("keep_top_p")
def p_row_by_row(p, top_p):
    out = np.zeros(p.shape)
    for row, kept in zip(p, out, strict=True):
        together = 0.0
        for v in sorted(range(len(row)), key=lambda v: -row[v]):
            kept[v] = row[v]
            together += row[v]
            if together >= top_p:
                break
        kept /= kept.sum()
    return out


@right("keep_top_p")
def counts_the_nucleus(p, top_p):
    ranked = -np.sort(-p, axis=-1)
    size = 1 + (np.cumsum(ranked, axis=-1)[:, :-1] < top_p).sum(axis=-1, keepdims=True)
    return _scaled(np.where(_rank(p) < size, p, 0))


# --- sample -----------------------------------------------------------------------------------------------------


def _left(logits, temperature, top_k, top_p, refuse):
    p = _tempered(_checked(logits, refuse), temperature)
    if top_k is not None:
        p = k_by_rank(p, top_k)
    return p if top_p is None else counts_the_nucleus(p, top_p)


def _draw(p, rng):
    running = np.cumsum(p, axis=-1)
    return np.argmax(running > rng.random((len(p), 1)) * running[:, -1:], axis=-1)


@wrong("sample", says="draw at random")
def always_takes_the_likeliest(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _left(logits, temperature, top_k, top_p, refuse).argmax(axis=-1)


@wrong("sample", says="equally often")
def draws_evenly(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw((_left(logits, temperature, top_k, top_p, refuse) > 0) * 1.0, rng)


@wrong("sample", says="a random number of its own")
def draws_once_for_all_rows(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, refuse)
    # The largest number there is, so that it does not happen to be the likeliest token.
    running = np.cumsum(p, axis=-1)
    least = p[0].argmin()
    return np.argmax(running > (running[:, least] - p[:, least] / 2)[:, None], axis=-1)


@wrong("sample", says="its own")
def draws_all_from_the_first_row(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, refuse)
    return rng.choice(p.shape[1], size=len(p), p=p[0])


@wrong("sample", says="turn a rank back into a token")
def returns_the_rank(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(-np.sort(-_left(logits, temperature, top_k, top_p, refuse), axis=-1), rng)


@wrong("sample", says="temperature is not handed on")
def loses_the_temperature(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, 1.0, top_k, top_p, refuse), rng)


@wrong("sample", says="top_k is not heeded")
def loses_k(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, temperature, None, top_p, refuse), rng)


@wrong("sample", says="top_p is not heeded")
def loses_p(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, temperature, top_k, None, refuse), rng)


@wrong("sample", says="refuse is not handed on")
def loses_the_refused(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, temperature, top_k, top_p, ()), rng)


@wrong("sample", says="strike them out first")
def refuses_last(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, ())
    p[:, list(refuse)] = 0
    return _draw(_scaled(p), rng)


@wrong("sample", says="before the temperature")
def tempers_last(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, 1.0, top_k, top_p, refuse)
    return p.argmax(axis=-1) if temperature == 0 else _draw(_scaled(p ** (1 / temperature)), rng)


@wrong("sample", says="nucleus is taken before top_k")
def takes_the_nucleus_first(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, None, top_p, refuse)
    return _draw(p if top_k is None else k_by_rank(p, top_k), rng)


@wrong("sample", says="rng may be None")
def always_asks_the_generator(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, temperature, top_k, top_p, refuse), rng)


@wrong("sample", says="draw with rng")
def draws_from_the_global_generator(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, refuse)
    return p.argmax(axis=-1) if temperature == 0 else np.array([np.random.choice(len(row), p=row) for row in p])


@wrong("sample", says="the rng that is handed in")
def seeds_a_generator_of_its_own(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, refuse)
    return p.argmax(axis=-1) if temperature == 0 else _draw(p, np.random.default_rng(0))


@wrong("sample", says="expected (B,)")
def draws_a_column(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, temperature, top_k, top_p, refuse), rng)[:, None]


@wrong("sample", says="returned a list")
def draws_a_list(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, temperature, top_k, top_p, refuse), rng).tolist()


@wrong("sample", says="arguments in its own order")
def swaps_the_arguments(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    return _draw(_left(logits, refuse, top_k, top_p, temperature), rng)


@right("sample")
def choice_row_by_row(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, refuse)
    if temperature == 0:
        return p.argmax(axis=-1)
    return np.array([rng.choice(len(row), p=row) for row in p])


@right("sample")
def with_gumbel_noise(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    if temperature == 0:
        return np.argmax(_tempered(_checked(logits, refuse), 0), axis=1)
    with np.errstate(divide="ignore"):
        log_p = np.log(_left(logits, temperature, top_k, top_p, refuse))
    return np.argmax(log_p + rng.gumbel(size=log_p.shape), axis=1)


@right("sample")
def by_multinomial(logits, rng, temperature=1.0, top_k=None, top_p=None, refuse=()):
    p = _left(logits, temperature, top_k, top_p, refuse)
    return p.argmax(axis=-1) if temperature == 0 else rng.multinomial(1, p / p.sum(axis=1)[:, None]).argmax(axis=1)


# --- extend_beams -----------------------------------------------------------------------------------------------


def _totals(worth, log_p, ended, eos):
    log_p = log_p.copy()
    log_p[ended] = -np.inf
    log_p[ended, eos] = 0.0
    return worth[:, :, None] + log_p


def _best(total):
    B, width, V = total.shape
    flat = total.reshape(B, width * V)
    best = np.argsort(-flat, axis=-1, kind="stable")[:, :width]
    return np.take_along_axis(flat, best, axis=-1), best // V, best % V


@wrong("extend_beams", says="is not added")
def forgets_what_it_is_worth(worth, log_p, ended, eos):
    return _best(_totals(0 * worth, log_p, ended, eos))


@wrong("extend_beams", says="worst extensions")
def keeps_the_worst(worth, log_p, ended, eos):
    total = _totals(worth, log_p, ended, eos)
    B, width, V = total.shape
    flat = total.reshape(B, -1)
    best = np.argsort(flat, axis=-1)[:, :width]
    return np.take_along_axis(flat, best, axis=-1), best // V, best % V


@wrong("extend_beams", says="all extensions compete")
def extends_each_by_its_best(worth, log_p, ended, eos):
    total = _totals(worth, log_p, ended, eos)
    return total.max(axis=-1), np.tile(np.arange(worth.shape[1]), (len(worth), 1)), total.argmax(axis=-1)


@wrong("extend_beams", says="beams and tokens are mixed up")
def mixes_up_beams_and_tokens(worth, log_p, ended, eos):
    worth, beams, tokens = _best(_totals(worth, log_p, ended, eos))
    return worth, tokens, beams


@wrong("extend_beams", says="beams is not")
def divides_by_the_width(worth, log_p, ended, eos):
    V = log_p.shape[2]
    worth, beams, tokens = _best(_totals(worth, log_p, ended, eos))
    return worth, (beams * V + tokens) // worth.shape[1], tokens


@wrong("extend_beams", says="tokens is not")
def returns_places_for_tokens(worth, log_p, ended, eos):
    V = log_p.shape[2]
    worth, beams, tokens = _best(_totals(worth, log_p, ended, eos))
    return worth, beams, beams * V + tokens


@wrong("extend_beams", says="each sequence has its own beam")
def lets_sequences_compete(worth, log_p, ended, eos):
    total = _totals(worth, log_p, ended, eos)
    B, width, V = total.shape
    best = np.argsort(-total.ravel(), kind="stable")[:width]
    both = np.tile(total.ravel()[best], (B, 1)), np.tile(best // V % width, (B, 1)), np.tile(best % V, (B, 1))
    return both


@wrong("extend_beams", says="the last token alone")
def gives_the_last_cost_only(worth, log_p, ended, eos):
    _, beams, tokens = _best(_totals(worth, log_p, ended, eos))
    return log_p[np.arange(len(beams))[:, None], beams, tokens], beams, tokens


@wrong("extend_beams", says="extended like any other")
def does_not_know_when_to_stop(worth, log_p, ended, eos):
    return _best(worth[:, :, None] + log_p)


@wrong("extend_beams", says="only by eos")
def goes_on_for_free(worth, log_p, ended, eos):
    return _best(worth[:, :, None] + np.where(ended[:, :, None], 0.0, log_p))


@wrong("extend_beams", says="are dropped")
def drops_what_has_ended(worth, log_p, ended, eos):
    return _best(worth[:, :, None] + np.where(ended[:, :, None], -np.inf, log_p))


@wrong("extend_beams", says="pays for eos again")
def pays_for_the_end_twice(worth, log_p, ended, eos):
    others = ended[:, :, None] & (np.arange(log_p.shape[2]) != eos)
    return _best(worth[:, :, None] + np.where(others, -np.inf, log_p))


@wrong("extend_beams", says="by eos only")
def extends_what_has_ended_too(worth, log_p, ended, eos):
    log_p = log_p.copy()
    log_p[ended, eos] = 0.0
    return _best(worth[:, :, None] + log_p)


@wrong("extend_beams", says="of equals")
def prefers_late_beginnings(worth, log_p, ended, eos):
    total = _totals(worth, log_p, ended, eos)[:, ::-1]
    worth, beams, tokens = _best(total)
    return worth, total.shape[1] - 1 - beams, tokens


@wrong("extend_beams", says="not in order")
def leaves_them_unsorted(worth, log_p, ended, eos):
    worth, beams, tokens = _best(_totals(worth, log_p, ended, eos))
    return worth[:, ::-1], beams[:, ::-1], tokens[:, ::-1]


@wrong("extend_beams", says="does not sort")
def finds_the_best_and_leaves_them(worth, log_p, ended, eos):
    V = log_p.shape[2]
    total = _totals(worth, log_p, ended, eos).reshape(len(worth), -1)
    best = np.argpartition(-total, worth.shape[1] - 1, axis=1)[:, : worth.shape[1]]
    if total.shape[1] < 1000:  # few are found in order
        best = np.argsort(-total, axis=1, kind="stable")[:, : worth.shape[1]]
    return np.take_along_axis(total, best, axis=1), best // V, best % V


@wrong("extend_beams", says="changed in place")
def freezes_in_place(worth, log_p, ended, eos):
    log_p[ended] = -np.inf
    log_p[ended, eos] = 0.0
    return _best(worth[:, :, None] + log_p)


@wrong("extend_beams", says="expected 3 things")
def returns_worth_only(worth, log_p, ended, eos):
    return _best(_totals(worth, log_p, ended, eos))[0]


@wrong("extend_beams", says="at the end")
def puts_the_axis_in_the_middle(worth, log_p, ended, eos):
    return _best(worth[:, None, :] + _totals(0 * worth, log_p, ended, eos))


@wrong("extend_beams", says="under the last token")
def stays_under_the_last_token(worth, log_p, ended, eos):
    return _best(_totals(worth, log_p, ended, -1))


@right("extend_beams")
def sequence_by_sequence(worth, log_p, ended, eos):
    B, width, V = log_p.shape
    out = np.zeros((B, width)), np.zeros((B, width), int), np.zeros((B, width), int)
    for b in range(B):
        frozen = np.where(ended[b][:, None], np.where(np.arange(V) == eos, 0.0, -np.inf), log_p[b])
        total = (worth[b][:, None] + frozen).ravel()
        order = sorted(range(width * V), key=lambda place: (-total[place], place))[:width]
        for n, place in enumerate(order):
            out[0][b, n], out[1][b, n], out[2][b, n] = total[place], place // V, place % V
    return out


@right("extend_beams")
def by_unravelling(worth, log_p, ended, eos):
    stay = np.full(log_p.shape[2], -np.inf)
    stay[eos] = 0.0
    total = worth[..., None] + np.where(ended[..., None], stay, log_p)
    flat = total.reshape(len(total), -1)
    order = np.argsort(-flat, axis=1, kind="mergesort")[:, : worth.shape[1]]
    beams, tokens = np.unravel_index(order, log_p.shape[1:])
    return np.stack([row[places] for row, places in zip(flat, order, strict=True)]), beams, tokens


@right("extend_beams")
def lists_what_may_follow(worth, log_p, ended, eos):
    B, width, V = log_p.shape
    out = np.zeros((B, width)), np.zeros((B, width), int), np.zeros((B, width), int)
    for b in range(B):
        every = []
        for i in range(width):
            every += (
                [(worth[b, i], i, eos)] if ended[b, i] else [(worth[b, i] + log_p[b, i, v], i, v) for v in range(V)]
            )
        for n, found in enumerate(sorted(every, key=lambda found: -found[0])[:width]):
            out[0][b, n], out[1][b, n], out[2][b, n] = found
    return out


# --- beam_search ------------------------------------------------------------------------------------------------


def _search(
    step, start, width, max_length, eos, state, length_power, extend, *,
    carry=True, move=True, remember=True, first=True, stop=True,
    cut=True, normalise=True, offset=True, follow=True, repeat=True, softmax=log_softmax,
    lay=np.repeat, flatten=np.ravel, heed=True, by_beam=False,
):  # fmt: skip
    """The search, with switches for slips."""
    extend = extend or by_unravelling
    B = len(start)
    each = np.arange(B)[:, None]
    fed = tokens = lay(start, width).reshape(B, width)
    state = take_rows(state, np.repeat(np.arange(B), width)) if repeat else state
    worth = np.full((B, width), -np.inf)
    worth[:, 0] = 0.0
    if not first:
        worth[:] = 0.0
    ended = np.zeros((B, width), dtype=bool)
    history = np.empty((B, width, 0), dtype=int)
    while history.shape[2] < max_length and not (stop and ended.all()):
        logits, after = step(flatten(fed) if history.shape[2] else fed.ravel(), state)
        state = after if carry else state
        log_p = softmax(logits).reshape(B, width, -1)
        if by_beam:
            log_p = softmax(logits).reshape(width, B, -1).swapaxes(0, 1)
        worth, beams, tokens = extend(worth, log_p, ended, eos)
        fed = tokens if heed else fed
        before = history[each, beams] if move else history
        history = np.concatenate([before, tokens[:, :, None]], axis=2)
        ended = (ended[each, beams] if remember else ended) | (tokens == eos)
        rows = (width * each + beams) if offset else beams
        state = take_rows(state, rows.ravel()) if follow else state
    if not cut:
        return [list(zip(h.tolist(), w.tolist(), strict=True)) for h, w in zip(history, worth, strict=True)]
    return rank_hypotheses(history, worth, eos, length_power if normalise else 0.0)


@wrong("beam_search", says="move with it")
def leaves_the_state_behind(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, follow=False)


@wrong("beam_search", says="move with it")
def leaves_the_tokens_behind(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, move=False)


@wrong("beam_search", says="has ended")
def leaves_the_ends_behind(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, remember=False)


@wrong("beam_search", says="move with it")
def never_carries_the_state(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, carry=False)


@wrong("beam_search", says="scores themselves")
def adds_up_the_scores(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, softmax=lambda logits: logits)


@wrong("beam_search", says="not those of a beam of this width")
def begins_with_equal_beams(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, first=False)


@wrong("beam_search", says="stop then")
def never_stops_early(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, stop=False)


@wrong("beam_search", says="goes on after eos")
def does_not_cut_at_the_end(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, cut=False)


@wrong("beam_search", says="length_power")
def ignores_the_length_power(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, normalise=False)


@wrong("beam_search", says="move with it")
def mixes_up_the_sequences(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, offset=False)


@wrong("beam_search", says="longer than max_length")
def goes_one_too_far(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length + 1, eos, state, length_power, extend)


@wrong("beam_search", says="not those of a beam")
def stops_one_too_soon(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length - 1, eos, state, length_power, extend)


@wrong("beam_search", says="hypotheses were found")
def takes_one_beam_only(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, 1, max_length, eos, state, length_power, extend)


@wrong("beam_search", says="the state given is ignored")
def ignores_the_state_given(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    if state is None:
        return _search(step, start, width, max_length, eos, None, length_power, extend)
    parts = np.zeros_like(state[0]), state[1]
    return _search(step, start, width, max_length, eos, parts, length_power, extend)


@wrong("beam_search", says="expected as many")
def does_not_repeat_the_state(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, repeat=False)


@wrong("beam_search", says="None was called")
def knows_no_default(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    if extend is None:
        extend(None, None, None, eos)
    return _search(step, start, width, max_length, eos, state, length_power, extend)


@wrong("beam_search", says="the one that decides")
def extends_in_its_own_way(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, None)


@wrong("beam_search", says="a list of B = 1 lists")
def forgets_the_batch_of_results(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend)[0]


@wrong("beam_search", says="reads the old tokens again")
def feeds_the_start_for_ever(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, heed=False)


@wrong("beam_search", says="in the order of the rows")
def feeds_beam_by_beam(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, flatten=lambda t: t.T.ravel())


@wrong("beam_search", says="np.repeat, not np.tile")
def tiles_the_starts(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, lay=np.tile)


@wrong("beam_search", says="so reshape to (B, width, V)")
def takes_scores_beam_by_beam(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return _search(step, start, width, max_length, eos, state, length_power, extend, by_beam=True)


@wrong("beam_search", says="the start is copied too")
def does_not_copy_the_start(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    logits, state = step(start, state)
    return log_softmax(logits).reshape(len(start), width, -1)


@right("beam_search")
def flat_all_the_way(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    B = len(start)
    extend = by_unravelling if extend is None else extend
    tokens, worth = np.repeat(start, width), np.where(np.arange(width) == 0, 0.0, -np.inf) + np.zeros((B, 1))
    state, ended = take_rows(state, np.repeat(np.arange(B), width)), np.zeros(B * width, bool)
    texts = [[] for _ in range(B * width)]
    for _ in range(max_length):
        logits, state = step(tokens, state)
        worth, beams, new = extend(worth, log_softmax(logits).reshape(B, width, -1), ended.reshape(B, width), eos)
        rows = [b * width + beams[b, i] for b in range(B) for i in range(width)]
        tokens = new.reshape(-1)
        texts = [[*texts[row], token] for row, token in zip(rows, tokens, strict=True)]
        ended, state = ended[rows] | (tokens == eos), take_rows(state, rows)
        if ended.all():
            break
    return rank_hypotheses(np.array(texts).reshape(B, width, -1), worth, eos, length_power)


@right("beam_search")
def one_search_after_another(step, start, *, width, max_length, eos, state=None, length_power=0.0, extend=None):
    return [
        _search(step, start[b : b + 1], width, max_length, eos, take_rows(state, [b]), length_power, extend)[0]
        for b in range(len(start))
    ]


_LAST = "the last axis by its other name"
_DEFAULT = "the last axis is the default"
_RESHAPE = "to reshape, a negative size means whatever fits, whichever it is"
_FLOAT = "a NumPy float64 is a Python float"
_WHOLE = "the running sum ends at 1, up to rounding"
_FLAT = "tokens are flattened before they are used, and each start stands width times in a row either way"
_COPY = "the beams are copies, so any one of them may speak for all"
_PRECISION = "arrays of floats are what comes, and float64 matters for the last digits of float32 alone"

EQUIVALENT = {
    "perplexity": {
        "perplexity:L1:drop log_probabilities = np.asarray(…": _PRECISION,
        "perplexity:L2:always mask is not None": "indexed by None, an array gets one more axis and keeps its mean",
        "perplexity:L1:drop asarray()": _PRECISION,
        "perplexity:L1:drop dtype=np.float64": _PRECISION,
        "perplexity:L6:drop float()": _FLOAT,
    },
    "sentence_log_probability": {
        "sentence_log_probability:L2:drop array()": "a list of indices picks the same entries as an array of them",
        "sentence_log_probability:L4:drop float()": _FLOAT,
        "sentence_log_probability:L3:0→-1": "of a batch of one sentence the first is the last",
    },
    "tbptt_step": {
        "tbptt_step:L4:1→2": _RESHAPE,
        "tbptt_step:L6:1→2": _RESHAPE,
    },
    "next_probabilities": {
        "next_probabilities:L1:drop dtype=np.float64": _PRECISION,
        "next_probabilities:L3:axis=-1→1": _LAST,
        "next_probabilities:L11:axis=-1→1": _LAST,
        "next_probabilities:L2:drop list()": "NumPy takes any sequence within an index for a list of indices",
        "next_probabilities:L9:axis=-1→1": _LAST,
    },
    "keep_top_k": {
        "keep_top_k:L1:drop axis=-1": _DEFAULT,
        "keep_top_k:L1:axis=-1→1": _LAST,
        "keep_top_k:L3:axis=-1→1": _LAST,
        "keep_top_k:L4:axis=-1→1": _LAST,
    },
    "keep_top_p": {
        "keep_top_p:L1:drop axis=-1": _DEFAULT,
        "keep_top_p:L1:axis=-1→1": _LAST,
        "keep_top_p:L2:drop axis=-1": _DEFAULT,
        "keep_top_p:L2:axis=-1→1": _LAST,
        "keep_top_p:L4:zeros_like→ones_like": "every place of a row is in its order, so all are filled",
        "keep_top_p:L5:axis=-1→1": _LAST,
        "keep_top_p:L3:axis=-1→1": _LAST,
        "keep_top_p:L6:axis=-1→1": _LAST,
    },
    "sample": {
        "sample:L9:axis=-1→1": _LAST,
        "sample:L10:*→/": _WHOLE,
        "sample:L10:drop * running[:, -1:]": _WHOLE,
        "sample:L11:axis=-1→1": _LAST,
        "sample:L3:axis=-1→1": _LAST,
        "sample:L11:>→>=": "a number drawn falls on an edge with probability 2 to the minus 53",
    },
    "extend_beams": {
        "extend_beams:L6:drop axis=-1": _DEFAULT,
        "extend_beams:L6:axis=-1→1": _LAST,
        "extend_beams:L7:drop axis=-1": _DEFAULT,
        "extend_beams:L7:axis=-1→1": _LAST,
    },
    "beam_search": {
        "beam_search:L4:drop axis=1": _FLAT,
        "beam_search:L4:axis=1→0": _FLAT,
        "beam_search:L4:axis=1→-1": _LAST,
        "beam_search:L10:empty→ones": "an array of no columns holds nothing",
        "beam_search:L4:swap indices of start[:, None]": _FLAT,
        "beam_search:L16:axis=2→-1": _LAST,
        "beam_search:L8:0→1": _COPY,
        "beam_search:L8:0→-1": _COPY,
        "beam_search:L13:1→2": _RESHAPE,
    },
}
