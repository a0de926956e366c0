"""Grades `train_sae` on an autoencoder, an objective and batches of the kit, against a plain loop that is written out here.

The kit's objective reads the state's step (which latents may be active) and its idle counts (idle ones pay more): a state
that is not up to date at the time gives other weights.
"""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake
from graders.sparse_autoencoders import kit as ours

STEPS, BATCH, D_IN, D_SAE = 14, 6, 4, 7
NAMES = ("W_enc", "b_enc", "W_dec", "b_dec")


class Setting:
    """One set of weights, batches and a plan; a run of the learner's and a plain loop start from the same."""

    def __init__(self, rand, step=0, idle=None):
        direction = rand.normal(D_SAE, D_IN)
        self.weights = {
            "W_enc": rand.normal(D_IN, D_SAE),
            "b_enc": 0.5 + 0.2 * rand.normal(D_SAE),
            "W_dec": direction / direction.norm(dim=-1, keepdim=True) * rand.uniform(D_SAE, 1, low=0.5, high=2.0),
            "b_dec": 0.3 * rand.normal(D_IN),
        }
        self.data = rand.normal(STEPS, BATCH, D_IN)
        self.plan = rand.uniform(STEPS, D_SAE) < 0.6
        self.plan[:, 0] = False  # never active
        self.plan[:, 1] = True  # active on some inputs of nearly every batch
        self.step, self.idle = step, torch.zeros(D_SAE, dtype=torch.int64) if idle is None else idle

    def run(self, kit):
        copies = {name: value.clone() for name, value in self.weights.items()}
        return kit.Run(copies, self.data.clone(), self.plan.clone(), self.step, self.idle.clone())

    def by_hand(self, until, unit_decoder=True, log_every=50, dead_after=200, log=True):
        """The weights, idle counts and log of a plain loop."""
        sae, idle, entries = ours.Autoencoder(**self.weights), self.idle.clone(), []
        adam = torch.optim.Adam(sae.parameters(), lr=0.05)
        for s in range(self.step, until):
            x = self.data[s]
            f = sae.encode(x) * self.plan[s]
            loss = ((x - sae.decode(f)) ** 2).sum() / BATCH + 0.1 * (f * (1 + idle)).sum() / BATCH
            adam.zero_grad()
            loss.backward()
            with torch.no_grad():
                for i in range(D_SAE):
                    if unit_decoder:
                        row, gradient = sae.W_dec[i], sae.W_dec.grad[i]
                        gradient -= (gradient @ row) / (row @ row) * row
            adam.step()
            with torch.no_grad():
                for i in range(D_SAE):
                    if unit_decoder:
                        sae.W_dec[i] /= (sae.W_dec[i] @ sae.W_dec[i]) ** 0.5
                    idle[i] = 0 if max(f[:, i].tolist()) > 0 else idle[i] + 1
                if (s + 1) % log_every == 0 or s + 1 == until:
                    left, spread = ((x - sae(x)) ** 2).sum(), ((x - x.mean(dim=0)) ** 2).sum()
                    active = sum(value > 0 for value in f.flatten().tolist()) / BATCH
                    dead = sum(count >= dead_after for count in idle.tolist()) / D_SAE
                    entry = {"step": s + 1, "loss": float(loss), "l0": active}
                    entries.append(entry | {"explained_variance": float(1 - left / spread), "dead": dead})
        return {name: getattr(sae, name).detach() for name in NAMES}, idle, entries


def compare_run(run, setting, until, after="", **options):
    """Weights and state of a run that should stand at `until`."""
    weights, idle, _ = setting.by_hand(until, **options)
    compare(run.step(), until, what=f"state.step{after}")
    compare(run.idle(), idle, what=f"state.idle{after}", axes="d_sae")
    found = run.weights()
    for name in NAMES:
        compare(found[name], weights[name], what=f"{name}{after}", atol=1e-4)


def test_one_step(submission, kit, rand):
    """One step: the gradient without its parallel part, Adam's step, then rows of length 1."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.go(submission.train_sae, 1)
    compare_run(run, setting, 1, " after one step")


def test_several_steps(submission, kit, rand):
    """Several steps with the decoder kept at length 1."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.go(submission.train_sae, 8)
    compare_run(run, setting, 8, " after eight steps")


def test_a_free_decoder(submission, kit, rand):
    """With unit_decoder=False neither the gradient nor the rows are touched."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.go(submission.train_sae, 5, unit_decoder=False)
    compare_run(run, setting, 5, " after five steps with unit_decoder=False", unit_decoder=False)


def test_what_comes_back(submission, kit, rand):
    """state.sae comes back, the very same object."""
    run = Setting(rand).run(kit)
    compare(run.go(submission.train_sae, 2), "state.sae", what="what came back")


def test_it_goes_on_from_its_step(submission, kit, rand):
    """A state that stands at step 5 goes on with batch 5, and with the idle counts that it has."""
    setting = Setting(rand, step=5, idle=torch.tensor([9, 0, 3, 1, 0, 4, 2]))
    run = setting.run(kit)
    run.go(submission.train_sae, 9)
    compare(run.asked_for(), [5, 6, 7, 8], what="the list of batches that were asked for")
    compare_run(run, setting, 9, " after steps 5 to 8")


def test_in_two_calls(submission, kit, rand):
    """Two calls, the second to a later step, are the same as one: Adam's averages and idle counts go on too."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.go(submission.train_sae, 4)
    run.go(submission.train_sae, 9)
    compare(run.asked_for(), list(range(9)), what="the list of batches that were asked for")
    compare_run(run, setting, 9, " after two calls")


@pytest.mark.parametrize("until", [6, 3])
def test_there_already(submission, kit, rand, until):
    """Where the state has reached the step, or is past it, nothing is done and nothing is logged."""
    setting = Setting(rand, step=6, idle=torch.tensor([6, 0, 1, 0, 2, 0, 3]))
    run = setting.run(kit)
    back = run.go(submission.train_sae, until, log=True, log_every=3)
    compare(run.asked_for(), [], what="the list of batches that were asked for")
    compare(run.entries(), [], what="the list of log entries")
    compare(run.step(), 6, what="state.step")
    compare(run.idle(), setting.idle, what="state.idle", axes="d_sae")
    for name, value in run.weights().items():
        compare(value, setting.weights[name], what=name)
    compare(back, "state.sae", what="what came back")


def test_gradients_from_before_do_not_count(submission, kit, rand):
    """Gradients that somebody left behind change nothing."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.leave_gradients(0.7)
    run.go(submission.train_sae, 3)
    compare_run(run, setting, 3, " after three steps")


@pytest.mark.parametrize(
    "step, until, log_every, logged", [(0, 9, 4, [4, 8, 9]), (4, 9, 3, [6, 9]), (5, 8, 50, [8]), (2, 5, 1, [3, 4, 5])]
)
def test_the_log(submission, kit, rand, step, until, log_every, logged):
    """The logger is called where the step's number is divisible by log_every, and once at the end, with these numbers."""
    setting = Setting(rand, step=step, idle=torch.tensor([4, 0, 1, 0, 2, 0, 3]))
    run = setting.run(kit)
    run.go(submission.train_sae, until, log=True, log_every=log_every, dead_after=5)
    entries = run.entries()
    compare([ours.step_of(entry) for entry in entries], logged, what="the list of steps that were logged")
    compare(entries, setting.by_hand(until, log_every=log_every, dead_after=5)[2], what="the log")
    compare(
        run.kinds(),
        ["number"] * (5 * len(logged)),
        what="the list of kinds of values in the log: plain ints and floats",
    )


def test_logging_changes_nothing(submission, kit, rand):
    """With a logger the training is the same as without one."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.go(submission.train_sae, 6, log=True, log_every=2)
    compare_run(run, setting, 6, " after six steps with a logger")


@pytest.mark.parametrize("where, step", [("objective", 4), ("batch_at", 5), ("logger", 6)])
def test_ctrl_c(submission, kit, rand, where, step):
    """Ctrl-C leaves the state between two steps; called again, the run goes on and ends as if nothing had happened."""
    setting = Setting(rand)
    run = setting.run(kit)
    run.interrupt(where, step)
    run.go(submission.train_sae, 10, log=True, log_every=2)
    compare_run(run, setting, step, f" after Ctrl-C in {where}")
    run.go(submission.train_sae, 10, log=True, log_every=2)
    compare_run(run, setting, 10, " at the end, after Ctrl-C and a second call")


class Loop:
    """The reference in parts, each of which a mistake below replaces."""

    def steps(self, state, until):
        return range(state.step, until)

    def update(self, state, loss, unit_decoder):
        state.optimizer.zero_grad()
        loss.backward()
        if unit_decoder:
            ref.remove_parallel_gradient(state.sae)
        state.optimizer.step()
        if unit_decoder:
            ref.normalise_decoder(state.sae)

    def idle(self, state, f):
        return torch.where((f > 0).any(dim=0), 0, state.idle + 1)

    def due(self, state, until, log_every, start):
        return state.step % log_every == 0 or state.step == until

    def entry(self, state, x, f, loss, dead_after, before):
        with torch.no_grad():
            fve = ref.explained_variance(x, state.sae(x)).item()
        dead = (state.idle >= dead_after).float().mean().item()
        return {
            "step": state.step,
            "loss": loss.item(),
            "l0": ref.l0(f).item(),
            "explained_variance": fve,
            "dead": dead,
        }

    def back(self, state):
        return state.sae

    def __call__(self, state, batch_at, objective, until, unit_decoder=True, logger=None, log_every=50, dead_after=200):
        start = state.step
        for step in self.steps(state, until):
            x = batch_at(step)
            loss, f = objective(state, x)
            with torch.no_grad():
                before = ref.explained_variance(x, state.sae(x)).item()
            self.update(state, loss, unit_decoder)
            state.idle = self.idle(state, f)
            state.step = step + 1
            if logger is not None and self.due(state, until, log_every, start):
                logger(self.entry(state, x, f, loss, dead_after, before))
        return self.back(state)


def as_function(variant, name=""):
    """A function made of a variant of the loop: what is not replaced is right."""
    loop = variant()

    def train_sae(*args, **options):
        return loop(*args, **options)

    train_sae.__name__ = name or variant.__name__
    return train_sae


@mistake("You begin at step 0: begin at state.step, so that a run can be gone on with.")
@as_function
class begins_at_0(Loop):
    def steps(self, state, until):
        return range(until)


@mistake("You go on for `until` more steps: `until` is the number of the step to stop before.")
@as_function
class until_more_steps(Loop):
    def steps(self, state, until):
        return range(state.step, state.step + until)


@mistake("You do step `until` as well: stop before it.")
@as_function
class one_too_many(Loop):
    def steps(self, state, until):
        return range(state.step, until + 1)


@mistake(
    "The optimizer steps along the rows too: remove_parallel_gradient comes after backward(), before the optimizer's step."
)
@as_function
class parallel_part_kept(Loop):
    def update(self, state, loss, unit_decoder):
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        if unit_decoder:
            ref.normalise_decoder(state.sae)


@mistake("The decoder's rows are never normalised: call normalise_decoder after the optimizer's step.")
@as_function
class never_normalised(Loop):
    def update(self, state, loss, unit_decoder):
        state.optimizer.zero_grad()
        loss.backward()
        if unit_decoder:
            ref.remove_parallel_gradient(state.sae)
        state.optimizer.step()


@mistake("The rows are normalised before the optimizer's step, which changes their lengths again: normalise after it.")
@as_function
class normalised_before_the_step(Loop):
    def update(self, state, loss, unit_decoder):
        state.optimizer.zero_grad()
        loss.backward()
        if unit_decoder:
            ref.remove_parallel_gradient(state.sae)
            ref.normalise_decoder(state.sae)
        state.optimizer.step()


@mistake("The decoder is normalised, and its gradient changed, even with unit_decoder=False.")
@as_function
class always_unit(Loop):
    def update(self, state, loss, unit_decoder):
        super().update(state, loss, True)


@mistake("Old gradients are added to the new ones: call optimizer.zero_grad() before backward().")
@as_function
class gradients_add_up(Loop):
    def update(self, state, loss, unit_decoder):
        loss.backward()
        if unit_decoder:
            ref.remove_parallel_gradient(state.sae)
        state.optimizer.step()
        if unit_decoder:
            ref.normalise_decoder(state.sae)


@mistake("Gradients are cleared after the step only: those that were there before the first step count. Clear before.")
@as_function
class cleared_after_the_step(Loop):
    def update(self, state, loss, unit_decoder):
        loss.backward()
        if unit_decoder:
            ref.remove_parallel_gradient(state.sae)
        state.optimizer.step()
        state.optimizer.zero_grad()
        if unit_decoder:
            ref.normalise_decoder(state.sae)


@mistake("The optimizer finds no gradients when it steps: zero_grad() comes before backward(), not after it.")
@as_function
class cleared_before_the_step(Loop):
    def update(self, state, loss, unit_decoder):
        loss.backward()
        state.optimizer.zero_grad()
        state.optimizer.step()
        if unit_decoder:
            ref.normalise_decoder(state.sae)


@mistake("Each call makes an optimizer of its own: use state.optimizer, whose averages are part of the run.")
def own_optimizer(state, *args, **options):
    state.optimizer = torch.optim.Adam(state.sae.parameters(), lr=state.optimizer.param_groups[0]["lr"])
    return ref.train_sae(state, *args, **options)


@mistake("A latent counts as active only if it was so on every input of the batch: once is enough (any, not all).")
@as_function
class active_on_all(Loop):
    def idle(self, state, f):
        return torch.where((f > 0).all(dim=0), 0, state.idle + 1)


@mistake("Idle counts are never set back to 0 when a latent is active again.")
@as_function
class never_set_back(Loop):
    def idle(self, state, f):
        return state.idle + ~(f > 0).any(dim=0)


@mistake("Idle counts are in steps, not in inputs: add 1 a step, whatever the batch's size.")
@as_function
class idle_inputs(Loop):
    def idle(self, state, f):
        return torch.where((f > 0).any(dim=0), 0, state.idle + len(f))


@mistake("Idle counts start again from 0 with each call: go on from state.idle.")
def idle_starts_again(state, batch_at, objective, until, *args, **options):
    if state.step < until:
        state.idle = torch.zeros_like(state.idle)
    return ref.train_sae(state, batch_at, objective, until, *args, **options)


@mistake("state.step is set at the end only: after Ctrl-C the steps that were done would be done again.")
def step_set_at_the_end(
    state, batch_at, objective, until, unit_decoder=True, logger=None, log_every=50, dead_after=200
):
    start, steps = state.step, max(0, until - state.step)
    for step in range(start, until):
        x = batch_at(step)
        loss, f = objective(state, x)
        LOOP.update(state, loss, unit_decoder)
        state.idle = LOOP.idle(state, f)
        if logger is not None and ((step + 1) % log_every == 0 or step + 1 == until):
            logger(LOOP.entry(state, x, f, loss, dead_after, 0) | {"step": step + 1})
    state.step = start + steps
    return state.sae


@mistake("state.step is raised before the objective is called: the step is not done yet. Raise it after the update.")
def step_raised_too_early(
    state, batch_at, objective, until, unit_decoder=True, logger=None, log_every=50, dead_after=200
):
    for step in range(state.step, until):
        state.step = step + 1
        x = batch_at(step)
        loss, f = objective(state, x)
        LOOP.update(state, loss, unit_decoder)
        state.idle = LOOP.idle(state, f)
        if logger is not None and LOOP.due(state, until, log_every, 0):
            logger(LOOP.entry(state, x, f, loss, dead_after, 0))
    return state.sae


@mistake(
    "state.step is raised after the logger was called: if the logger is interrupted, the step would be done twice."
)
def step_raised_after_the_logger(
    state, batch_at, objective, until, unit_decoder=True, logger=None, log_every=50, dead_after=200
):
    for step in range(state.step, until):
        x = batch_at(step)
        loss, f = objective(state, x)
        LOOP.update(state, loss, unit_decoder)
        state.idle = LOOP.idle(state, f)
        if logger is not None and ((step + 1) % log_every == 0 or step + 1 == until):
            logger(LOOP.entry(state, x, f, loss, dead_after, 0) | {"step": step + 1})
        state.step = step + 1
    return state.sae


@mistake("Batches are counted from 0 in each call: step s uses batch_at(s).")
def batches_from_0(state, batch_at, objective, until, *args, **options):
    start = state.step
    return ref.train_sae(state, lambda step: batch_at(step - start), objective, until, *args, **options)


@mistake("Batches are counted from 1: step s uses batch_at(s), and the first step is step 0.")
def batches_from_1(state, batch_at, objective, until, *args, **options):
    return ref.train_sae(state, lambda step: batch_at(step + 1), objective, until, *args, **options)


@mistake("The last step is not logged unless it is divisible by log_every: log it in any case.")
@as_function
class last_step_not_logged(Loop):
    def due(self, state, until, log_every, start):
        return state.step % log_every == 0


@mistake(
    "log_every is counted from where this call began: count from step 0 of the run, so that a resumed log goes on evenly."
)
@as_function
class counted_from_the_call(Loop):
    def due(self, state, until, log_every, start):
        return (state.step - start) % log_every == 0 or state.step == until


@mistake("You log after step s where s is divisible by log_every: where s + 1 is, the number of steps done.")
@as_function
class logs_one_too_late(Loop):
    def due(self, state, until, log_every, start):
        return (state.step - 1) % log_every == 0 or state.step == until


@mistake("The last step is logged twice when it is divisible by log_every.")
def last_step_logged_twice(
    state, batch_at, objective, until, unit_decoder=True, logger=None, log_every=50, dead_after=200
):
    def twice(entry):
        logger(entry)
        if entry["step"] == until and until % log_every == 0:
            logger(entry)

    return ref.train_sae(state, batch_at, objective, until, unit_decoder, logger and twice, log_every, dead_after)


def logs(change):
    """A loop in which only the log is wrong."""

    class Changed(Loop):
        def entry(self, *args):
            return super().entry(*args) | change(*args)

    return as_function(Changed, change.__name__)


@mistake("'step' in the log is the number of the step: log how many steps are done, s + 1.")
@logs
def step_before(state, x, f, loss, dead_after, before):
    return {"step": state.step - 1}


@mistake("The log's values are tensors: log plain floats (.item()).")
@logs
def tensors(state, x, f, loss, dead_after, before):
    with torch.no_grad():
        fve = ref.explained_variance(x, state.sae(x))
    dead = (state.idle >= dead_after).float().mean()
    return {"loss": loss.detach(), "l0": ref.l0(f), "explained_variance": fve, "dead": dead}


@mistake("explained_variance is logged of the autoencoder before the update: log that of the updated one.")
@logs
def fve_before(state, x, f, loss, dead_after, before):
    return {"explained_variance": before}


@mistake("l0 is counted anew on the updated autoencoder: log that of the f which the objective returned.")
@logs
def l0_afterwards(state, x, f, loss, dead_after, before):
    return {"l0": ref.l0(state.sae.encode(x)).item()}


@mistake("'dead' counts latents that have been idle for MORE than dead_after steps: dead_after itself is enough (>=).")
@logs
def more_than_dead_after(state, x, f, loss, dead_after, before):
    return {"dead": (state.idle > dead_after).float().mean().item()}


@mistake("'dead' is a number of latents: log the fraction.")
@logs
def number_of_dead(state, x, f, loss, dead_after, before):
    return {"dead": (state.idle >= dead_after).sum().item()}


@mistake("Nothing is returned: return state.sae.")
@as_function
class returns_nothing(Loop):
    def back(self, state):
        return None


LOOP = Loop()
