// Splits test scripts of the WebAssembly standard (.wast) into commands and binaries:
//     node tools/wast-split.mjs OUT_DIR A.wast B.wast ...     writes OUT_DIR/A.json, OUT_DIR/A.0.wasm, OUT_DIR/A.1.wasm, ...
//
// Place in the pipeline: before `canonjit wast`, which runs the commands; it calls this for a .wast file. jco's assembler makes the
// binaries. A component or module that it refuses becomes a command with `unassembled`, the reason; the rest of the file goes on.
// The JSON is the one that `wasm-tools json-from-wast` writes, with four additions: `unassembled`; `kind` ("component" or "module") where
// a file is named; `hex`, the bytes of a string constant that has a NUL in it; and `modules`, the core modules that a named instance exports, by
// name: a component may import them from the instance.
//
// Exit status: 0, or 1 when a script could not be read (FILE:LINE: message), or 2 on bad usage or without jco.

import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// -- S-expressions -------------------------------------------------------------------------------------------------------

export class WastError extends Error {
    constructor(line, message) {
        super(message);
        this.line = line;
    }
}

const isSpace = c => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
const isEnd = c => isSpace(c) || c === 0x28 || c === 0x29 || c === 0x22 || c === 0x3b || c === 0x2c; // ( ) " ; ,

// Reads `source`, a Buffer, into nodes {line, start, end} with `list` (nodes), `atom` (text) or `string` (a Buffer, escapes undone).
// No recursion: scripts may nest as deep as they like.
export function read(source) {
    const root = [];
    const open = [];
    let at = 0, line = 1, into = root;
    const fail = message => {
        throw new WastError(line, message);
    };

    function blockComment() {
        const start = line;
        let depth = 0;
        for (;;) {
            if (at >= source.length)
                throw new WastError(start, 'the block comment does not end');
            if (source[at] === 0x28 && source[at + 1] === 0x3b) {
                depth++;
                at += 2;
            } else if (source[at] === 0x3b && source[at + 1] === 0x29) {
                at += 2;
                if (--depth === 0)
                    return;
            } else {
                line += source[at++] === 0x0a;
            }
        }
    }

    function string() {
        const start = line;
        const bytes = [];
        at++;
        for (;;) {
            const c = source[at++];
            if (c === undefined || c === 0x0a)
                throw new WastError(start, 'the string does not end');
            if (c === 0x22)
                return Buffer.from(bytes);
            if (c !== 0x5c) {
                bytes.push(c);
                continue;
            }
            const escape = String.fromCharCode(source[at++] ?? 0);
            const simple = { n: 10, r: 13, t: 9, '\\': 92, "'": 39, '"': 34 }[escape];
            if (simple !== undefined) {
                bytes.push(simple);
            } else if (escape === 'u') {
                const rest = /^\{([0-9a-fA-F](?:_?[0-9a-fA-F])*)\}/.exec(source.toString('latin1', at, at + 64));
                const point = rest ? parseInt(rest[1].replaceAll('_', ''), 16) : NaN;
                if (!(point <= 0x10ffff) || (point >= 0xd800 && point < 0xe000))
                    fail('\\u{...} names no Unicode scalar value');
                bytes.push(...Buffer.from(String.fromCodePoint(point)));
                at += rest[0].length;
            } else {
                const hex = escape + String.fromCharCode(source[at++] ?? 0);
                if (!/^[0-9a-fA-F]{2}$/.test(hex))
                    fail(`unknown escape \\${hex} in a string`);
                bytes.push(parseInt(hex, 16));
            }
        }
    }

    while (at < source.length) {
        const c = source[at], start = at;
        if (isSpace(c)) {
            line += c === 0x0a;
            at++;
        } else if (c === 0x3b) {
            if (source[at + 1] !== 0x3b)
                fail('unexpected ";"');
            while (at < source.length && source[at] !== 0x0a)
                at++;
        } else if (c === 0x28 && source[at + 1] === 0x3b) {
            blockComment();
        } else if (c === 0x28) {
            const node = { line, start, end: 0, list: [] };
            into.push(node);
            open.push(node);
            into = node.list;
            at++;
        } else if (c === 0x29) {
            if (open.length === 0)
                fail('unexpected ")"');
            open.pop().end = ++at;
            into = open.length ? open.at(-1).list : root;
        } else if (c === 0x22) {
            const node = { line, start, end: 0, string: string() };
            node.end = at;
            into.push(node);
        } else {
            if (c === 0x2c)
                fail('unexpected ","');
            while (at < source.length && !isEnd(source[at]))
                at++;
            into.push({ line, start, end: at, atom: source.toString('utf8', start, at) });
        }
    }
    if (open.length)
        throw new WastError(open.at(-1).line, 'the parenthesis is not closed');
    return root;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(node, what) {
    if (!node?.string)
        throw new WastError(node?.line, `expected ${what}, a string`);
    try {
        return utf8.decode(node.string);
    } catch {
        throw new WastError(node.line, `${what} is not UTF-8`);
    }
}

// -- Numbers -------------------------------------------------------------------------------------------------------------

function integer(node, bits, lowest, highest) {
    const parts = /^([+-]?)(0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|[0-9]+(?:_[0-9]+)*)$/.exec(node?.atom ?? '');
    if (!parts)
        throw new WastError(node?.line, `expected an integer${node?.atom ? `, found ${node.atom}` : ''}`);
    let value = BigInt(parts[2].replaceAll('_', ''));
    if (parts[1] === '-')
        value = -value;
    if (value < lowest || value > highest)
        throw new WastError(node.line, `${node.atom} is out of range for ${bits} bits`);
    return value;
}

const floats = { f32: { bits: 32n, mantissa: 23n, bias: 127n }, f64: { bits: 64n, mantissa: 52n, bias: 1023n } };
const bitLength = n => BigInt(n.toString(2).length);

// The bits of top/bottom, rounded to nearest, ties to even.
function roundRatio(top, bottom, { mantissa, bias }) {
    if (top === 0n)
        return 0n;
    let exponent = bitLength(top) - bitLength(bottom); // 2^(exponent-1) < top/bottom < 2^(exponent+1)
    if (exponent >= 0n ? top < (bottom << exponent) : (top << -exponent) < bottom)
        exponent--;
    const lowest = 1n - bias;
    const unit = (exponent < lowest ? lowest : exponent) - mantissa; // the weight of the last bit
    if (unit < 0n)
        top <<= -unit;
    else
        bottom <<= unit;
    let value = top / bottom;
    const rest = (top % bottom) * 2n;
    if (rest > bottom || (rest === bottom && value & 1n))
        value++;
    // A carry out of the mantissa goes to the exponent, which is what rounding up means.
    const bits = exponent < lowest ? value : ((exponent + bias - 1n) << mantissa) + value;
    const infinity = (2n * bias + 1n) << mantissa;
    return bits > infinity ? infinity : bits;
}

// The bits as a decimal text, or a NaN pattern.
function float(node, kind) {
    const format = floats[kind];
    const text = (node?.atom ?? '').replaceAll('_', '');
    const sign = text[0] === '-' ? 1n << (format.bits - 1n) : 0n;
    const magnitude = text.replace(/^[+-]/, '');
    const infinity = (2n * format.bias + 1n) << format.mantissa;
    let parts;
    if (magnitude === 'nan:canonical' || magnitude === 'nan:arithmetic')
        return magnitude;
    if (magnitude === 'inf')
        return String(sign | infinity);
    if (magnitude === 'nan')
        return String(sign | infinity | (1n << (format.mantissa - 1n)));
    if ((parts = /^nan:(0x[0-9a-fA-F]+)$/.exec(magnitude)) && BigInt(parts[1]) > 0n && BigInt(parts[1]) < 1n << format.mantissa)
        return String(sign | infinity | BigInt(parts[1]));
    if ((parts = /^0x([0-9a-fA-F]+)\.?([0-9a-fA-F]*)(?:[pP]([+-]?[0-9]+))?$/.exec(magnitude))) {
        const exponent = Math.max(-20000, Math.min(20000, Number(parts[3] ?? 0))) - 4 * parts[2].length;
        const digits = BigInt(`0x${parts[1]}${parts[2]}`);
        return String(sign | (exponent >= 0 ? roundRatio(digits << BigInt(exponent), 1n, format)
            : roundRatio(digits, 1n << BigInt(-exponent), format)));
    }
    if ((parts = /^([0-9]+)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?$/.exec(magnitude))) {
        const exponent = Math.max(-5000, Math.min(5000, Number(parts[3] ?? 0))) - parts[2].length;
        const digits = BigInt(parts[1] + parts[2]);
        return String(sign | (exponent >= 0 ? roundRatio(digits * 10n ** BigInt(exponent), 1n, format)
            : roundRatio(digits, 10n ** BigInt(-exponent), format)));
    }
    throw new WastError(node?.line, `expected a number${node?.atom ? `, found ${node.atom}` : ''}`);
}

// -- Values --------------------------------------------------------------------------------------------------------------

const integers = {
    i32: [32, -(2n ** 31n), 2n ** 32n - 1n], i64: [64, -(2n ** 63n), 2n ** 64n - 1n],
    s8: [8, -128n, 127n], u8: [8, 0n, 255n], s16: [16, -32768n, 32767n], u16: [16, 0n, 65535n],
    s32: [32, -(2n ** 31n), 2n ** 31n - 1n], u32: [32, 0n, 2n ** 32n - 1n],
    s64: [64, -(2n ** 63n), 2n ** 63n - 1n], u64: [64, 0n, 2n ** 64n - 1n],
};

function stringConst(node) {
    const value = textOf(node, 'the value');
    return value.includes('\0') ? { type: 'string', value, hex: node.string.toString('hex') } : { type: 'string', value };
}

function constant(node, depth = 0) {
    const [head, ...rest] = node.list ?? [];
    const [, kind, form] = /^([a-z0-9]+)\.(\w+)$/.exec(head?.atom ?? '') ?? [];
    if (depth > 1000)
        throw new WastError(node.line, 'values are nested too deep');
    const inner = list => list.map(item => constant(item, depth + 1));
    const count = (least, most) => {
        if (rest.length < least || rest.length > most)
            throw new WastError(node.line, `${head.atom} with ${rest.length} values`);
    };
    if (form === 'const' && kind in integers) {
        count(1, 1);
        const [bits] = integers[kind];
        const value = integer(rest[0], ...integers[kind]);
        return { type: kind, value: String(kind[0] === 'i' ? BigInt.asIntN(bits, value) : value) };
    }
    if (form === 'const' && kind in floats) {
        count(1, 1);
        return { type: kind, value: float(rest[0], kind) };
    }
    switch (head?.atom) {
    case 'bool.const':
        count(1, 1);
        if (rest[0].atom !== 'true' && rest[0].atom !== 'false')
            throw new WastError(node.line, 'expected true or false');
        return { type: 'bool', value: rest[0].atom === 'true' };
    case 'char.const': {
        count(1, 1);
        const { value, ...bytes } = stringConst(rest[0]);
        if ([...value].length !== 1)
            throw new WastError(node.line, 'expected one character');
        return { ...bytes, type: 'char', value };
    }
    case 'str.const':
        count(1, 1);
        return stringConst(rest[0]);
    case 'list.const':
        return { type: 'list', value: inner(rest) };
    case 'tuple.const':
        return { type: 'tuple', value: inner(rest) };
    case 'record.const':
        return {
            type: 'record',
            value: rest.map(field => {
                if (field.list?.[0]?.atom !== 'field' || field.list.length < 3)
                    throw new WastError(field.line, 'expected (field "name" value)');
                // The value's own parentheses may be left out: (field "x" u32.const 1).
                const bare = field.list[2].atom !== undefined;
                if (!bare && field.list.length > 3)
                    throw new WastError(field.line, 'a field has one value');
                const value = bare ? { line: field.line, list: field.list.slice(2) } : field.list[2];
                return [textOf(field.list[1], 'the field'), constant(value, depth + 1)];
            }),
        };
    case 'variant.const': {
        count(1, 2);
        const [payload] = inner(rest.slice(1));
        return { type: 'variant', value: { case: textOf(rest[0], 'the case'), ...(payload && { payload }) } };
    }
    case 'enum.const':
        count(1, 1);
        return { type: 'enum', value: textOf(rest[0], 'the case') };
    case 'option.none':
        count(0, 0);
        return { type: 'option', value: null };
    case 'option.some':
        count(1, 1);
        return { type: 'option', value: inner(rest)[0] };
    case 'result.ok':
    case 'result.err':
        count(0, 1);
        return { type: 'result', value: { [form === 'ok' ? 'Ok' : 'Err']: inner(rest)[0] ?? null } };
    case 'flags.const':
        return { type: 'flags', value: rest.map(label => textOf(label, 'the label')) };
    }
    throw new WastError(node.line, `unknown value (${head?.atom ?? '...'})`);
}

// -- The assembler -------------------------------------------------------------------------------------------------------

// Beside this file, else of the folder in which the script is run, else where CANONJIT_NODE_MODULES says.
function findAssembler() {
    const places = [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json'))];
    if (process.env.CANONJIT_NODE_MODULES)
        places.unshift(pathToFileURL(join(process.env.CANONJIT_NODE_MODULES, '..', 'package.json')));
    for (const place of places) {
        try {
            const jco = createRequire(place).resolve('@bytecodealliance/jco');
            return pathToFileURL(createRequire(jco).resolve('@bytecodealliance/jco-transpile/wasm-tools'));
        } catch { /* not there */ }
    }
    return null;
}

class Assembler {
    constructor(url) {
        this.url = url;
        this.generation = 0;
    }

    async load() {
        this.parse = (await import(this.url)).parse;
    }

    // {bytes}, or {refusal: {line, message}}, the line counted in `text` from 0.
    async assemble(text) {
        try {
            return { bytes: Buffer.from(await this.parse(text)) };
        } catch (error) {
            if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
                // The assembler is itself WebAssembly, and unusable after a trap: take a fresh copy.
                const { $init, tools } = await import(new URL(`../vendor/wasm-tools.js?fresh=${++this.generation}`, this.url));
                await $init;
                this.parse = tools.parse;
                return { refusal: { line: 0, message: 'the assembler broke down' } };
            }
            const words = String(error?.payload ?? error?.message ?? error); // a Rust error, as {:?} prints it
            const line = /line: (\d+)/.exec(words);
            const custom = /kind: Custom\("((?:[^"\\]|\\.)*)"\)/.exec(words)?.[1].replace(/\\(.)/g, '$1');
            const kind = /kind: ((?!Wast\b)\w.*?)(?: \}\)?)*$/s.exec(words)?.[1];
            const message = (custom ?? kind ?? words).split('\n')[0].slice(0, 200);
            return { refusal: { line: Number(line?.[1] ?? 0), message } };
        }
    }
}

// -- Exported core modules -----------------------------------------------------------------------------------------------

// The core modules that a component exports: a Map of names to bytes. `instances` has those of instances that it may import, by name. Follows
// definitions, aliases and imports at the component's own level; what is exported from inside of it is not found.
export function exportedModules(bytes, instances) {
    let at = 8, end = bytes.length;
    const modules = [], imported = [], found = new Map(); // the index spaces of core modules and, as Maps, of instances
    const byte = () => bytes[at++];
    const number = () => {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const b = byte();
            value += (b & 0x7f) * 2 ** shift;
            if (!(b & 0x80))
                return value;
        }
    };
    const name = () => {
        const length = number();
        return utf8.decode(bytes.subarray(at, at += length));
    };
    const sort = () => {
        const sort = byte();
        return sort === 0 ? `core ${byte()}` : String(sort);
    };
    const externName = () => {
        const form = byte(), text = name();
        for (let n = form === 2 ? number() : 0; n > 0; n--) {
            byte();
            name();
        }
        return text;
    };
    const externType = () => {
        const kind = sort();
        if (kind === '3' || kind === '2') {
            const bound = byte();
            if (kind === '3' && bound === 1)
                return kind; // sub resource
        }
        number();
        return kind;
    };
    const define = (kind, what) => {
        if (kind === 'core 17')
            modules.push(what);
        else if (kind === '5')
            imported.push(what instanceof Map ? what : new Map());
    };
    const sections = {
        5: () => { // an instance
            const members = new Map();
            if (byte() === 0) {
                number();
                for (let n = number(); n > 0; n--) {
                    name();
                    sort();
                    number();
                }
            } else {
                for (let n = number(); n > 0; n--) {
                    const text = externName(), kind = sort(), index = number();
                    if (kind === 'core 17')
                        members.set(text, modules[index]);
                }
            }
            imported.push(members);
        },
        6: () => { // an alias
            const kind = sort(), target = byte(), instance = number();
            if (target === 2)
                define(kind, (number(), undefined));
            else
                define(kind, imported[target === 0 ? instance : -1]?.get(name()) ?? undefined);
        },
        10: () => {
            const text = externName();
            define(externType(), instances.get(text));
        },
        11: () => {
            const text = externName(), kind = sort(), index = number();
            if (byte() === 1)
                externType();
            if (kind === 'core 17' && modules[index])
                found.set(text, modules[index]);
            define(kind, kind === 'core 17' ? modules[index] : imported[index]);
        },
    };
    while (at < end) {
        const id = byte(), size = number(), next = at + size;
        if (id === 1)
            modules.push(bytes.subarray(at, next));
        for (let n = sections[id] ? number() : 0; n > 0; n--)
            sections[id]();
        at = next;
    }
    return found;
}

// -- Commands ------------------------------------------------------------------------------------------------------------

const blank = text => text.replace(/[^\n]/g, ' ');

class Splitter {
    constructor(source, base, assembler) {
        this.source = source;
        this.base = base;
        this.assembler = assembler;
        this.files = new Map();
        this.exported = new Map(); // the core modules of named instances and of definitions ("definition NAME"), name to file
    }

    // Notes, under a name, the core modules that a component exports; gives the member of the command that says so.
    note(name, filename) {
        if (!name || !filename?.endsWith('.wasm'))
            return {};
        const byFile = new Map(), known = new Map();
        for (const [instance, modules] of this.exported) {
            known.set(instance, new Map(Object.entries(modules).map(([module, file]) => [module, this.files.get(file)])));
            for (const file of Object.values(modules))
                byFile.set(this.files.get(file), file);
        }
        const modules = {};
        try {
            for (const [module, bytes] of exportedModules(this.files.get(filename), known))
                modules[module] = byFile.get(bytes) ?? this.add('wasm', bytes);
        } catch { /* no component that could be read: nothing can be imported from it */ }
        this.exported.set(name, modules);
        return Object.keys(modules).length ? { modules } : {};
    }

    // What stands between "(component" and the fields: {kind, mode, id, form, fields}.
    header(node) {
        const [head, ...rest] = node.list;
        const out = { kind: head.atom, mode: null, ids: [], form: null };
        let n = 0;
        for (const item of rest) {
            if (item.atom?.startsWith('$'))
                out.ids.push(item.atom.slice(1));
            else if (!out.mode && out.ids.length === 0 && !out.form && (item.atom === 'definition' || item.atom === 'instance'))
                out.mode = item.atom;
            else if (!out.form && (item.atom === 'binary' || item.atom === 'quote'))
                out.form = item.atom;
            else
                break;
            n++;
            if (out.form)
                break;
        }
        out.fields = rest.slice(n);
        out.mark = rest.find(item => item.atom === out.mode && out.mode);
        return out;
    }

    add(extension, bytes) {
        const name = `${this.base}.${this.files.size}.${extension}`;
        this.files.set(name, bytes);
        return name;
    }

    // The members of a command that name a file.
    async file(node, header) {
        const { kind, form, fields, mark } = header;
        if (form) {
            const strings = fields.map(field => {
                if (!field.string)
                    throw new WastError(field.line, `expected a string after ${form}`);
                return field.string;
            });
            if (form === 'binary')
                return { kind, filename: this.add('wasm', Buffer.concat(strings)), module_type: 'binary' };
            const text = Buffer.concat([Buffer.from(`(${kind} `), ...strings.flatMap(s => [s, Buffer.from('\n')]), Buffer.from(')')]);
            const filename = this.add('wat', text);
            const result = await this.assembleBytes(text);
            if (result.bytes)
                return { kind, filename, module_type: 'text', binary_filename: this.add('wasm', result.bytes) };
            return { kind, filename, module_type: 'text', unassembled: result.refusal.message };
        }
        let text = this.source.toString('utf8', node.start, node.end);
        if (mark) { // keep lines and columns
            const before = this.source.toString('utf8', node.start, mark.start);
            text = before + blank(mark.atom) + this.source.toString('utf8', mark.end, node.end);
        }
        const { bytes, refusal } = await this.assembler.assemble(text);
        if (bytes)
            return { kind, filename: this.add('wasm', bytes), module_type: 'binary' };
        return { kind, module_type: 'text', unassembled: `line ${node.line + refusal.line}: ${refusal.message}` };
    }

    async assembleBytes(bytes) {
        let text;
        try {
            text = utf8.decode(bytes);
        } catch {
            return { refusal: { line: 0, message: 'malformed UTF-8 encoding' } };
        }
        return this.assembler.assemble(text);
    }

    isFile(node) {
        return ['component', 'module'].includes(node?.list?.[0]?.atom);
    }

    action(node) {
        const [head, ...rest] = node?.list ?? [];
        if (head?.atom !== 'invoke' && head?.atom !== 'get')
            throw new WastError(node?.line, 'expected (invoke ...) or (get ...)');
        const module = rest[0]?.atom?.startsWith('$') ? { module: rest.shift().atom.slice(1) } : {};
        const field = textOf(rest.shift(), 'the name of the export');
        return head.atom === 'get' ? { type: 'get', ...module, field }
            : { type: 'invoke', ...module, field, args: rest.map(arg => constant(arg)) };
    }

    async module(node) {
        const header = this.header(node);
        const [first, second] = header.ids;
        if (header.mode === 'instance') {
            if (header.fields.length || header.form)
                throw new WastError(node.line, `(${header.kind} instance ...) takes two names`);
            const modules = this.exported.get(`definition ${second}`);
            if (modules && first)
                this.exported.set(first, modules);
            return { type: 'module_instance', kind: header.kind, ...(first && { instance: first }), ...(second && { module: second }),
                ...(modules && Object.keys(modules).length > 0 && { modules }) };
        }
        const file = await this.file(node, header);
        const modules = header.kind === 'component' ? this.note(first && (header.mode ? `definition ${first}` : first), file.filename) : {};
        return { type: header.mode ? 'module_definition' : 'module', ...(first && { name: first }), ...file, ...modules };
    }

    async command(node) {
        const [head, ...rest] = node.list ?? [];
        const name = head?.atom;
        const words = i => textOf(rest[i], 'the expected message');
        const last = i => {
            if (rest.length > i)
                throw new WastError(rest[i].line, `unexpected end of ${name}`);
        };
        switch (name) {
        case 'component':
        case 'module':
            return this.module(node);
        case 'register':
            last(2);
            return { type: 'register', as: textOf(rest[0], 'the name'), ...(rest[1]?.atom && { name: rest[1].atom.slice(1) }) };
        case 'invoke':
        case 'get':
            return { type: 'action', action: this.action(node) };
        case 'assert_return':
            return { type: name, action: this.action(rest[0]), expected: rest.slice(1).map(value => constant(value)) };
        case 'assert_exception':
            last(1);
            return { type: name, action: this.action(rest[0]) };
        case 'assert_trap':
        case 'assert_exhaustion':
        case 'assert_suspension':
            last(2);
            if (this.isFile(rest[0]))
                return { type: 'assert_uninstantiable', ...await this.file(rest[0], this.header(rest[0])), text: words(1) };
            return { type: name, action: this.action(rest[0]), text: words(1) };
        case 'assert_invalid':
        case 'assert_malformed':
        case 'assert_unlinkable':
            last(2);
            if (!this.isFile(rest[0]))
                throw new WastError(node.line, `${name} of something that is no component`);
            return { type: name, ...await this.file(rest[0], this.header(rest[0])), text: words(1) };
        }
        throw new WastError(node.line, name ? `unknown command (${name} ...)` : 'expected a command');
    }

    async run(nodes) {
        const commands = [];
        for (const node of nodes) {
            try {
                const { type, ...rest } = await this.command(node);
                commands.push({ type, line: node.line, ...rest });
            } catch (error) {
                if (!(error instanceof WastError))
                    throw error;
                commands.push({ type: 'unreadable', line: error.line ?? node.line, text: error.message });
            }
        }
        return commands;
    }
}

// {json, files: Map of name to bytes}. `path` is what the JSON calls the script.
export async function split(source, path, base, assembler) {
    const splitter = new Splitter(source, base, assembler);
    const commands = await splitter.run(read(source));
    return { json: { source_filename: path, commands }, files: splitter.files };
}

export async function makeAssembler() {
    const url = findAssembler();
    if (!url)
        return null;
    const assembler = new Assembler(url);
    await assembler.load();
    return assembler;
}

export async function splitFile(path, outDir, assembler) {
    const base = basename(path).replace(/\.wast$/, '');
    const { json, files } = await split(readFileSync(path), path, base, assembler);
    mkdirSync(outDir, { recursive: true });
    for (const [name, bytes] of files)
        writeFileSync(join(outDir, name), bytes);
    const out = join(outDir, `${base}.json`);
    writeFileSync(out, JSON.stringify(json, null, 1));
    return out;
}

async function main([outDir, ...scripts]) {
    if (scripts.length === 0) {
        console.error('usage: node wast-split.mjs OUT_DIR SCRIPT.wast ...');
        return 2;
    }
    const assembler = await makeAssembler();
    if (!assembler) {
        console.error('the assembler, @bytecodealliance/jco, is not installed: run `npm install @bytecodealliance/jco`, and set '
            + 'CANONJIT_NODE_MODULES to its node_modules folder unless that is in the current folder');
        return 2;
    }
    let status = 0;
    for (const script of scripts) {
        try {
            await splitFile(script, outDir, assembler);
        } catch (error) {
            console.error(`${script}${error.line ? `:${error.line}` : ''}: ${error.message}`);
            status = 1;
        }
    }
    return status;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) // not when conformance.mjs imports it
    process.exit(await main(process.argv.slice(2)));
