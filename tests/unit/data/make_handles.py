#!/usr/bin/env python3
"""Writes handles.txt: what happens to handles, as the Canonical ABI's reference has it (definitions.py).

    python3 make_handles.py PATH/TO/component-model/design/mvp/canonical-abi > handles.txt

Scenarios of random steps. Instances: A, its child D, B, its child C; H is the host, whose table the reference knows as that of one more
instance. Resource types: 0 of A and 1 of B with destructors, 2 of C without one, 3 of the host. A line is a step and, after "=", what comes
of it: an index, a representation, "ok", destructors that ran ("0:17", type and representation), or canonjit's name for the trap. A step that
traps changes nothing, so that a scenario can go on: that is canonjit's promise, not the reference's.

    scenario MAX          new tables of at most MAX handles
    call X                the one that runs (at first: the host) calls X; its arguments follow
    own T I, borrow T I   an argument, a handle of the caller
    go                    X runs
    new T REP, rep T I, drop T I
    leave 0, leave 1      the running guest is in realloc or post-return; is no more
    done                  X is done; its result follows
    give T I              an own handle in the result
    return
    trap                  the running one traps: back to the host function, or host, that called last
    table X               what the table has: INDEX=TYPE:REP, "*" if borrowed, "+N" if lent N times; after "|" the free ones, next first
"""
import copy
import random
import sys

sys.path.insert(0, sys.argv[1])
import definitions as D

KINDS = {
    ('get', 'trap_if(i >= len(self.array))'): 'HANDLE_INDEX',
    ('get', 'trap_if(self.array[i] is None)'): 'HANDLE_INDEX',
    ('add', 'trap_if(i > Table.MAX_LENGTH)'): 'HANDLE_TABLE_FULL',
    ('lift_own', 'trap_if(h.rt is not t.rt)'): 'HANDLE_TYPE',
    ('lift_own', 'trap_if(h.num_lends != 0)'): 'HANDLE_LENT',
    ('lift_own', 'trap_if(not h.own)'): 'HANDLE_BORROWED',
    ('lift_borrow', 'trap_if(h.rt is not t.rt)'): 'HANDLE_TYPE',
    ('canon_resource_new', 'trap_if(not inst.may_leave)'): 'CANNOT_LEAVE',
    ('canon_resource_drop', 'trap_if(not inst.may_leave)'): 'CANNOT_LEAVE',
    ('canon_resource_drop', 'trap_if(h.rt is not rt)'): 'HANDLE_TYPE',
    ('canon_resource_drop', 'trap_if(h.num_lends != 0)'): 'HANDLE_LENT',
    ('canon_resource_rep', 'trap_if(h.rt is not rt)'): 'HANDLE_TYPE',
    ('func_inst', 'trap_if(not inst.may_enter_from(caller))'): 'CANNOT_ENTER',
    ('return_', 'trap_if(self.num_borrows > 0)'): 'BORROW_NOT_DROPPED',
}
SOURCE = open(D.__file__).read().splitlines()


def kind_of(error):
    tb, found = error.__traceback__, None
    while tb:
        key = (tb.tb_frame.f_code.co_name, SOURCE[min(tb.tb_lineno, len(SOURCE)) - 1].strip())
        found = KINDS.get(key, found)
        tb = tb.tb_next
    return found


class Frame:
    def __init__(self, inst, caller):
        self.inst, self.caller = inst, caller
        self.task = D.Task(None, None, inst, None, lambda result: None)
        self.task.state = D.Task.State.STARTED
        self.subtask = D.Subtask()
        self.log = []  # ('lend', handle), ('host', index), ('moved', guest, index)
        self.phase = 'args'


class World:
    def __init__(self, limit):
        D.Table.MAX_LENGTH = limit
        store = D.Store()
        self.host, outside = D.ComponentInstance(store), D.ComponentInstance(store)
        a, b = D.ComponentInstance(store), D.ComponentInstance(store)
        self.named = {'H': self.host, 'A': a, 'D': D.ComponentInstance(store, a), 'B': b, 'C': D.ComponentInstance(store, b)}
        self.host.may_enter = False  # it is what runs around everything
        self.types = [D.ResourceType(a, dtor(0)), D.ResourceType(b, dtor(1)), D.ResourceType(self.named['C']), D.ResourceType(outside, dtor(3))]
        self.stack = []

    def top(self):
        return self.stack[-1] if self.stack else None

    def current(self):
        return self.stack[-1].inst if self.stack else self.host

    def name_of(self, inst):
        return next(name for name, i in self.named.items() if i is inst)


ran = []  # destructors, of the step
world = None


def dtor(number):
    def run(rep):
        ran.append(f'{number}:{rep}')
        return []
    return run


# The parts of the reference that need its threads: a destructor is a function that returns at once.
def canon_lift(callee, ft, opts, inst, on_start, on_resolve):
    callee(*on_start())


def canon_lower(callee, ft, opts, flat_args):
    D.trap_if(not world.current().may_leave)
    callee(lambda: flat_args, lambda result: None, caller=world.current())
    return []


D.canon_lift, D.canon_lower, D.current_instance = canon_lift, canon_lower, lambda: world.current()


def context(inst, scope):
    return D.LiftLowerContext(None, inst, scope)


# -- Steps: each gives what stands after "=" ---------------------------------------------------------------------------

def call(w, name):
    inst, caller = w.named[name], w.current()
    if name != 'H':
        if not inst.may_enter_from(caller):
            return 'CANNOT_ENTER'
        inst.enter_from(caller)
    w.stack.append(Frame(inst, caller))
    return 'ok'


def own(w, t, i):
    f, t = w.top(), D.OwnType(w.types[t])
    rep = D.lift_own(context(f.caller, f.subtask), i, t)
    index = D.lower_own(context(f.inst, f.task), rep, t)
    if f.inst is w.host:
        f.log.append(('moved', f.caller, index))
    return index


def borrow(w, t, i):
    f, t = w.top(), D.BorrowType(w.types[t])
    handle = f.caller.handles.array[i] if i < len(f.caller.handles.array) else None
    rep = D.lift_borrow(context(f.caller, f.subtask), i, t)
    index = D.lower_borrow(context(f.inst, f.task), rep, t)
    f.log.append(('lend', handle))
    if f.inst is w.host:
        f.log.append(('host', index))
    return index


def go(w):
    f = w.top()
    f.phase = 'run'
    f.log = [entry for entry in f.log if entry[0] != 'moved']
    return 'ok'


def new(w, t, rep):
    return D.canon_resource_new(w.types[t], rep)[0]


def rep(w, t, i):
    return D.canon_resource_rep(w.types[t], i)[0]


def drop(w, t, i):
    D.canon_resource_drop(w.types[t], i)
    return ' '.join(['ok'] + ran)


def leave(w, flag):
    w.current().may_leave = bool(flag)
    return 'ok'


def drop_host_borrow(w, index):
    h = w.host.handles.array[index]
    if h is not None and not h.own:
        w.host.handles.remove(index)


def done(w):
    f = w.top()
    if f.inst is w.host:
        for kind, *what in reversed(f.log):
            if kind == 'host':
                drop_host_borrow(w, what[0])
        f.task.num_borrows = 0
    f.task.return_([])
    f.phase = 'done'
    return 'ok'


def give(w, t, i):
    f, t = w.top(), D.OwnType(w.types[t])
    value = D.lift_own(context(f.inst, None), i, t)
    index = D.lower_own(context(f.caller, None), value, t)
    if f.caller is w.host:
        f.log.append(('moved', f.inst, index))
    return index


def return_(w):
    f = w.stack.pop()
    f.subtask.state = D.Subtask.State.RETURNED
    f.subtask.deliver_resolve()
    if f.inst is not w.host:
        f.inst.leave_to(f.caller)
    return 'ok'


def trap(w):
    while True:
        f = w.stack.pop()
        for kind, *what in reversed(f.log):
            if kind == 'lend':
                what[0].num_lends -= 1
            elif kind == 'host':
                drop_host_borrow(w, what[0])
            elif kind == 'moved':
                what[0].handles.add(w.host.handles.remove(what[1]))
        if f.caller is w.host:
            return 'ok'


def table(w, name):
    handles, text = w.named[name].handles, []
    for i, h in enumerate(handles.array):
        if h is not None:
            text.append(f'{i}={w.types.index(h.rt)}:{h.rep}{"" if h.own else "*"}{f"+{h.num_lends}" if h.num_lends else ""}')
    return ' '.join(text + ['|'] + [str(i) for i in reversed(handles.free)])


# -- Choices -----------------------------------------------------------------------------------------------------------

def pick(w, inst, wanted=lambda h: True):
    """A type and an index: mostly of a handle that is there, and right."""
    array = inst.handles.array
    there = [i for i, h in enumerate(array) if h is not None]
    good = [i for i in there if wanted(array[i])]
    chance = random.random()
    t = random.randrange(4)
    if good and chance < 0.75:
        i = random.choice(good)
    elif there and chance < 0.9:
        i = random.choice(there)
    else:
        return t, random.choice([0, len(array), 0xffffffff] + list(range(len(array))))
    return (w.types.index(array[i].rt) if random.random() < 0.93 else t), i


def choose(w):
    f = w.top()
    phase = f.phase if f else 'run'
    inst = w.current()
    kind = None
    if phase == 'args':
        kind = random.choices(['own', 'borrow', 'go', 'trap'], [2, 4, 3, 0.2])[0]
    elif phase == 'done':
        kind = random.choices(['give', 'return', 'trap'], [2, 3, 0.3])[0]
    elif not inst.may_leave:
        kind = random.choices(['leave', 'new', 'rep', 'drop'], [3, 1, 1, 1])[0]
    else:
        free = any(w.named[name].may_enter_from(inst) for name in 'ABCD') or inst is not w.host
        weights = [0 if len(w.stack) >= 6 else 5 if free else 0.3, 3, 1.5, 4, 0.5 if inst is not w.host else 0, 2 if f else 0, 0.4 if f else 0]
        if f and f.task.num_borrows:
            weights[3] += 4
        kind = random.choices(['call', 'new', 'rep', 'drop', 'leave', 'done', 'trap'], weights)[0]
    match kind:
        case 'own':
            return own, kind, pick(w, f.caller, lambda h: h.own)
        case 'borrow':
            return borrow, kind, pick(w, f.caller)
        case 'give':
            return give, kind, pick(w, inst, lambda h: h.own)
        case 'new':
            own_type = 'ABCH'.find(w.name_of(inst))
            t = own_type if own_type >= 0 and random.random() < 0.8 else random.randrange(4)
            return new, kind, (t, random.randrange(1, 100))
        case 'rep':
            return rep, kind, pick(w, inst)
        case 'drop':
            return drop, kind, pick(w, inst, lambda h: not h.own or not f or not f.task.num_borrows)
        case 'call':
            free = [name for name in 'ABCD' if w.named[name].may_enter_from(inst)]
            names = free if free and random.random() < 0.9 else 'ABCD'
            return call, kind, (random.choice(list(names) + ['H'] * (inst is not w.host)),)
        case 'leave':
            return leave, kind, (1 - int(inst.may_leave),)
        case 'done':
            return done, kind, ()
        case 'return':
            return return_, kind, ()
        case 'go':
            return go, kind, ()
        case _:
            return trap, kind, ()


def step(function, name, args):
    global world
    ran.clear()
    before = copy.deepcopy(world)
    try:
        outcome = function(world, *args)
    except D.Trap as error:
        world, outcome = before, kind_of(error)
        assert outcome, 'a trap without a name'
    print(' '.join([name] + [str(a) for a in args] + ['=', str(outcome)]))


def main():
    global world
    random.seed(20261122)
    for _ in range(70):
        limit = random.choice([3, 6, 200])
        world = World(limit)
        print(f'scenario {limit}')
        for _ in range(random.choice([40, 100])):
            if not world.stack and not any(world.named[name].may_enter for name in 'AB'):
                break  # all have trapped
            step(*choose(world))
            if random.random() < 0.04:
                step(table, 'table', (random.choice('HABCD'),))
        for name in 'HABCD':
            step(table, 'table', (name,))


main()
