#!/usr/bin/env python3
"""Writes strings.txt: strings between guests as the Canonical ABI's reference has them (definitions.py).

    python3 make_strings.py PATH/TO/component-model/design/mvp/canonical-abi > strings.txt

A line is one string on its way from one memory to another:

    FROM TO UNITS SOURCE  EVENTS RESULT_UNITS RESULT      where it goes well
    FROM TO UNITS SOURCE  TRAP KIND                       where it traps: KIND is of canonjit's

FROM, TO: utf8, utf16, latin1 (latin1+utf16). UNITS: the length word that the guest gives, in hex, with its tag. SOURCE: its bytes in
hex, "-" for none. EVENTS: what the other guest's realloc was asked, as the tests' fake engine writes it, joined by ",". RESULT_UNITS
and RESULT: what arrives. realloc is the fake engine's: it bumps from 1024 on and copies the old block.
"""
import random
import sys

sys.path.insert(0, sys.argv[1])
import definitions as D

ENCODINGS = {'utf8': 'utf8', 'utf16': 'utf16', 'latin1': 'latin1+utf16'}
TAG = 0x80000000
SOURCE_AT = 256


class Memory(D.MemInst):
    def __init__(self, size):
        super().__init__(bytearray(size), 'i32')


class Guest:
    """The options of a guest whose realloc bumps and logs."""

    def __init__(self, encoding, size):
        self.events = []
        self.bump = 1024
        self.opts = D.LiftLowerOptions(ENCODINGS[encoding], Memory(size))
        self.cx = D.LiftLowerContext(self.opts, None)
        self.cx.reallocate = self.realloc
        self.cx.allocate = lambda align, size: self.realloc(0, 0, align, size)

    def realloc(self, old, old_size, align, size):
        at = D.align_to(self.bump, align)
        self.bump = at + size
        memory = self.opts.memory.bytes
        if self.bump > len(memory):
            memory.extend(bytes(self.bump - len(memory)))
        kept = min(old_size, size)
        memory[at:at + kept] = memory[old:old + kept]
        self.events.append(f'realloc({old},{old_size},{align},{size})={at}')
        return at


# Which of our traps a failing line of definitions.py is.
def kind_of(error):
    tb = error.__traceback__
    lines = []
    while tb:
        lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
        tb = tb.tb_next
    source = open(D.__file__).read().splitlines()
    lines = [(name, source[n - 1].strip()) for name, n in lines if name in ('load_string_from_range',)]
    text = lines[-1][1]
    return {
        'trap_if(byte_length > MAX_STRING_BYTE_LENGTH)': 'STRING_LENGTH',
        'trap_if(ptr != align_to(ptr, alignment))': 'STRING_ALIGNMENT',
        'trap_if(ptr + byte_length > len(cx.opts.memory))': 'STRING_BOUNDS',
        'trap()': 'STRING_ENCODING',
    }[text]


def run(source, target, units, data):
    a, b = Guest(source, SOURCE_AT + len(data)), Guest(target, 1024)
    a.opts.memory.bytes[SOURCE_AT:] = data
    head = f'{source} {target} {units:x} {data.hex() or "-"}  '
    try:
        value = D.load_string_from_range(a.cx, SOURCE_AT, units)
    except D.Trap as error:
        kind = kind_of(error)
        if kind == 'STRING_ENCODING':
            kind = 'STRING_UTF8' if source == 'utf8' else 'STRING_UTF16'
        print(f'{head}TRAP {kind}')
        return
    ptr, result = D.store_string_into_range(b.cx, value)
    size = result & ~TAG
    if target == 'utf16' or (target == 'latin1' and result & TAG):
        size *= 2
    got = b.opts.memory.bytes[ptr:ptr + size]
    print(f'{head}{",".join(b.events)} {result:x} {got.hex() or "-"}')


def forms(text):
    """The ways to write a text: (FROM, UNITS, bytes)."""
    utf8, utf16 = text.encode('utf-8'), text.encode('utf-16-le')
    yield 'utf8', len(utf8), utf8
    yield 'utf16', len(utf16) // 2, utf16
    yield 'latin1', len(utf16) // 2 | TAG, utf16
    if all(ord(c) < 256 for c in text):
        yield 'latin1', len(text), text.encode('latin-1')


TEXTS = [
    '', 'a', 'ab', '\0', '\x7f', '\x80', '\xff', '\u0100', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\U00010000', '\U0010ffff',
    'hello', 'a\xe9', '\xe9a', 'abc\xe9def', 'abc\u20acdef', 'abc\U0001f600def', '\xe9\xe8\xea', '\xe9\u20ac', '\u20ac\xe9', '\xe9\U0001f600\xe9',
    'abcdefgh', 'abcdefghi', 'abcdefg\xe9', 'abcdefgh\xe9', 'abcdefg\u0100', 'abcdefgh\u0100', '0123456789abcdef0123456789abcdef',
    '0123456789abcdef0123456789abcde\xff', '0123456789abcdef0123456789abcde\u0100', '0123456789abcde\U0001f680f', '\xff' * 16, '\u0100' * 16,
    '\U0001f600' * 8, '\xff' * 15 + '\u0100', '\u7fff' * 7, 'x' * 63 + '\xa0', 'x' * 64 + '\u4e2d',
]

BAD = {
    'utf8': ['80', 'c0af', 'c3', 'e0a0', 'e09fbf', 'eda080', 'edbfbf', 'f08fbfbf', 'f4908080', 'f5808080', 'ff', '61c3', '6162636465666768e282',
             'c3a9ff', 'e282ac80', '61e282ac62f09f98'],
    'utf16': ['00d8', '00dc', 'ffdb', 'ffdf', '00d800d8', '00dc00d8', '00d86100', '610000d8', '3dd800de00de', '6100620063006400650066006700680000dc',
              'e90000dc', 'ac2000d8'],
}


def main():
    random.seed(20261122)
    texts = list(TEXTS)
    alphabets = [range(0x20, 0x7f), range(0xa0, 0x100), list(range(0x20, 0x7f)) * 4 + list(range(0xa0, 0x100)), range(0x100, 0x250),
                 list(range(0x20, 0x100)) * 6 + [0x20ac, 0x4e2d, 0x1f600, 0x10ffff]]
    for _ in range(40):
        alphabet = random.choice(alphabets)
        texts.append(''.join(chr(random.choice(alphabet)) for _ in range(random.randrange(40))))
    for target in ENCODINGS:
        for text in texts:
            for source, units, data in forms(text):
                run(source, target, units, data)
        for data in map(bytes.fromhex, BAD['utf8']):
            run('utf8', target, len(data), data)
        for data in map(bytes.fromhex, BAD['utf16']):
            run('utf16', target, len(data) // 2, data)
            run('latin1', target, len(data) // 2 | TAG, data)
        # One unit past the end of memory, the longest length and one more.
        for source, width in (('utf8', 1), ('utf16', 2), ('latin1', 1)):
            run(source, target, 5, b'a\0' * width * 2)
            run(source, target, (1 << 28) // width - 1, b'ab')
            run(source, target, (1 << 28) // width, b'ab')
            run(source, target, 0xffffffff if source != 'latin1' else 0x7fffffff, b'ab')
        run('latin1', target, TAG | 3, b'abcd')
        run('latin1', target, TAG | ((1 << 27) - 1), b'ab')
        run('latin1', target, TAG | (1 << 27), b'ab')
        run('latin1', target, 0xffffffff, b'ab')


main()
