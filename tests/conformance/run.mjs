// Runs a script in every tier: node run.mjs CANONJIT SCRIPT. All must pass: nothing failed, nothing skipped, no message that any trap would
// meet. The last line counts.

import { execFileSync, spawnSync } from 'node:child_process';

const [canonjit, script] = process.argv.slice(2);
const tiers = execFileSync(canonjit, ['--version'], { encoding: 'utf8' }).includes('no LLVM') ? ['interp'] : ['jit', 'interp'];
let passed = 0, failed = 0;
const fail = line => {
    failed++;
    console.log(`not ok - ${line}`);
};
for (const tier of tiers) {
    const { status, signal, stdout, stderr } = spawnSync(canonjit, ['wast', '--tier', tier, '--json', script],
        { encoding: 'utf8', maxBuffer: 1 << 28 });
    process.stdout.write(stderr);
    if (signal || status > 1 || stderr) {
        fail(`${script}, ${tier}: ${signal ?? `exit status ${status}`}`);
        continue;
    }
    const { commands } = JSON.parse(stdout).scripts[0];
    for (const { line, type, outcome, text, untold } of commands) {
        if (outcome === 'passed' && !untold)
            passed++;
        else
            fail(`${script}:${line}: ${tier}: ${outcome}: ${type}: ${text ?? ''}${untold ? ' (any trap would do)' : ''}`);
    }
    if (commands.length === 0)
        fail(`${script}, ${tier}: no commands`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
