// relay.mjs: a core module that passes every call on: for a world that imports and exports the same functions, each
// export calls the import of its name with the core values it got. The tools make a dummy module for the world, whose
// signatures are theirs alone, and whose bodies are filled in here.
//
// A result in memory lies in an area at a fixed place; what is allocated lies above it until the call's post-return, or,
// in an export without one, for ever. Two functions at the world's root tell of it, where the world has them:
// own-heap-used() -> u32 and own-post-returns() -> u32.
// Non-goals: resources that the world itself exports (its handles would need translation).

const AREA = 1024, HEAP = 4096;

const globals = `
  (global $top (mut i32) (i32.const ${HEAP}))
  (global $posts (mut i32) (i32.const 0))
`;

const realloc = `
    (local $at i32) (local $end i32)
    ;; the newest block grows and shrinks in place
    (local.set $at (select (local.get 0)
      (i32.and (i32.add (global.get $top) (i32.sub (local.get 2) (i32.const 1))) (i32.sub (i32.const 0) (local.get 2)))
      (i32.and (i32.ne (local.get 1) (i32.const 0)) (i32.eq (i32.add (local.get 0) (local.get 1)) (global.get $top)))))
    (local.set $end (i32.add (local.get $at) (local.get 3)))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then
        (if (i32.eq (i32.const -1) (memory.grow (i32.shr_u
              (i32.add (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 65535))
              (i32.const 16))))
          (then unreachable))))
    (if (i32.and (i32.ne (local.get $at) (local.get 0)) (i32.ne (local.get 1) (i32.const 0)))
      (then (memory.copy (local.get $at) (local.get 0) (local.get 1))))
    (global.set $top (local.get $end))
    local.get $at`;

const reset = `
    (global.set $top (i32.const ${HEAP}))
    (global.set $posts (i32.add (global.get $posts) (i32.const 1)))`;

const own = {
    'cm32p2||own-heap-used': `(i32.sub (global.get $top) (i32.const ${HEAP}))`,
    'cm32p2||own-post-returns': 'global.get $posts',
};

const arity = (type, what) => (type.match(new RegExp(`\\(${what} ([^)]*)\\)`))?.[1] ?? '').split(' ').filter(Boolean);

/** The text of the relay for a dummy module's text. */
export function relay(dummy) {
    const types = [...dummy.matchAll(/^ {2}\(type \(;\d+;\) \(func(.*)\)\)$/gm)].map(m => m[1]);
    const imports = new Map(), bodies = new Map();
    for (const [, module, name, index, type] of dummy.matchAll(/^ {2}\(import "(.*)" "(.*)" \(func \(;(\d+);\) \(type (\d+)\)\)\)$/gm))
        imports.set(module === 'cm32p2' ? `cm32p2||${name}` : `${module}|${name}`, { index, type: types[type] });
    for (const [, name, index] of dummy.matchAll(/^ {2}\(export "(.*)" \(func (\d+)\)\)$/gm))
        bodies.set(index, name === 'cm32p2_realloc' ? realloc : name === 'cm32p2_initialize' ? '' :
            name.endsWith('_post') ? reset : own[name] ?? imports.get(name) ?? (() => { throw new Error(`no import for ${name}`); })());

    return dummy
        .replace(/^ {2}\(memory \(;0;\) 0\)$/m, `  (memory (;0;) 2)${globals}`)
        .replace(/^ {2}\(func \(;(\d+);\) \(type (\d+)\)((?: \(param [^)]*\))?(?: \(result [^)]*\))?)(?:\n {4}unreachable\n {2})?\)$/gm,
            (whole, index, type, signature) => {
                let body = bodies.get(index);
                if (typeof body === 'object') {
                    const passed = arity(types[type], 'param').map((_, i) => `(local.get ${i})`);
                    const inMemory = arity(body.type, 'param').length > passed.length; // the result
                    if (inMemory)
                        passed.push(`(i32.const ${AREA})`);
                    body = `\n    (call ${body.index} ${passed.join(' ')})` + (inMemory ? `\n    i32.const ${AREA}` : '');
                }
                return `  (func (;${index};) (type ${type})${signature} ${body})`;
            });
}
