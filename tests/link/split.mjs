// Assembles the cases of a file of component texts:
//     node tests/link/split.mjs OUT_DIR A.wast B.wast ...
// writes OUT_DIR/A/NAME.wasm for each case, and OUT_DIR/A.tsv with one line "NAME<tab>MESSAGE" for each. A case is a comment line
// ";; @NAME" or ";; @NAME: MESSAGE" and the component that follows it; MESSAGE is what the error must contain. The texts are only
// assembled, not validated, so that each can break one rule.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'; // jco's own main module wants Node.js 20

// Top-level forms of a text, each with the last case comment before it.
function* cases(source, file) {
    let depth = 0, start = 0, name = null;
    for (let i = 0; i < source.length; i++) {
        if (source.startsWith(';;', i)) {
            const end = source.indexOf('\n', i);
            const match = /^;; @([a-z0-9-]+)(?:: (.*))?$/.exec(source.slice(i, end));
            if (match && depth === 0) {
                if (name)
                    throw new Error(`${file}: case ${name[1]} has no component`);
                name = match;
            }
            i = end;
        } else if (source[i] === '"') {
            for (i++; source[i] !== '"'; i++)
                i += source[i] === '\\';
        } else if (source[i] === '(') {
            if (depth++ === 0)
                start = i;
        } else if (source[i] === ')' && --depth === 0) {
            if (!name)
                throw new Error(`${file}: a component without a case comment: ${source.slice(start, start + 60)}`);
            yield { name: name[1], message: name[2] ?? '', text: source.slice(start, i + 1) };
            name = null;
        }
    }
    if (depth)
        throw new Error(`${file}: ${depth} parentheses are open at the end`);
}

const [outDir, ...files] = process.argv.slice(2);
let failed = 0;
for (const file of files) {
    const stem = basename(file, '.wast');
    const lines = [], seen = new Set();
    mkdirSync(join(outDir, stem), { recursive: true });
    for (const one of cases(readFileSync(file, 'utf8'), file)) {
        if (seen.has(one.name))
            throw new Error(`${file}: two cases are called ${one.name}`);
        seen.add(one.name);
        try {
            writeFileSync(join(outDir, stem, `${one.name}.wasm`), await parse(one.text));
            lines.push(`${one.name}\t${one.message}\n`);
        } catch (error) {
            console.error(`${file}: @${one.name}: ${error?.payload ?? error?.message ?? error}`);
            failed++;
        }
    }
    writeFileSync(join(outDir, `${stem}.tsv`), lines.join(''));
}
process.exit(failed ? 1 : 0);
