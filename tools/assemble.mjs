// Assembles WebAssembly texts, core modules and components, in one process:
//     node tools/assemble.mjs OUT_DIR A.wat B.wat ...     writes OUT_DIR/A.wasm, OUT_DIR/B.wasm, ...
// An output is rewritten only when its bytes change. jco's assembler encodes without validating, which is what tests of
// refusals need.

import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'; // jco's own main module wants Node.js 20

const [outDir, ...texts] = process.argv.slice(2);
let failed = 0;
mkdirSync(outDir, { recursive: true });
for (const text of texts) {
    const out = join(outDir, basename(text).replace(/\.wa[st]t?$/, '') + '.wasm');
    try {
        const bytes = await parse(readFileSync(text, 'utf8'));
        let old = null;
        try {
            old = readFileSync(out);
        } catch { /* not there yet */ }
        if (old && Buffer.compare(old, bytes) === 0) {
            const now = new Date();
            utimesSync(out, now, now);
        } else {
            writeFileSync(out, bytes);
        }
    } catch (error) {
        console.error(`${text}: ${error?.message ?? error}`);
        failed++;
    }
}
process.exit(failed ? 1 : 0);
