// The guest of script.wit.
import { log, twice } from 'test:script/host@1.0.0';

let made = 0;
const counted = f => (...args) => { made++; return f(...args); };

export const greet = counted(name => `Hello, ${name}, from JavaScript!`);
// The bindings hand out u32 as int32.
export const total = counted(numbers => Array.from(numbers).reduce((sum, n) => sum + (n >>> 0), 0));
export const sort = counted(words => [...words].sort());
export const longest = counted(words =>
    words.reduce((best, word) => best === undefined || [...word].length > [...best].length ? word : best, undefined));
export const parse = counted(text => {
    const n = Number(text);
    if (text.trim() === '' || !Number.isInteger(n))
        throw `"${text}" is no integer`;
    return n;
});
export const divmod = counted((a, b) => [Math.floor(a / b), a % b]);
export const counts = counted(text => {
    const seen = new Map();
    for (const c of text)
        seen.set(c, (seen.get(c) ?? 0) + 1);
    return [...seen].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
});
const fibonacci = n => n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
export const fib = counted(fibonacci);
export const ask = counted(n => {
    log(`asking for twice ${n}`);
    return twice(n) + 1;
});
export const fail = counted(message => { throw new Error(message); });
export const calls = () => made;

export const shapes = {
    centre(points) {
        const n = points.length;
        const mean = key => points.reduce((sum, p) => sum + p[key], 0) / n;
        return n ? { x: mean('x'), y: mean('y') } : undefined;
    },
    area(s) {
        return s.tag === 'circle' ? Math.round(Math.PI * s.val * s.val * 1000) / 1000 : 0;
    },
    next(c) {
        return { red: 'green', green: 'blue', blue: 'red' }[c];
    },
    allow(p) {
        return { ...p, exec: false, read: true };
    },
    describe(s, c, p) {
        return JSON.stringify([s, c, p]);
    },
    scale(s, by) {
        return s.tag === 'circle' ? { tag: 'circle', val: s.val * by }
            : s.tag === 'path' ? { tag: 'path', val: s.val.map(p => ({ x: p.x * by, y: p.y * by })) }
            : s;
    },
};
