// Runs a folder of test scripts (.wast) and prints a table: node tools/conformance.mjs [options] FOLDER|SCRIPT ...
//
//   --canonjit FILE   the command under test (build/release/canonjit)
//   --tiers LIST      jit,interp unless it was built without LLVM
//   --host NAME       host functions that the scripts import: wasmtime
//   --work FOLDER     where split scripts go (build/conformance)
//   --timeout SECONDS of one script (300)
//   --jobs N          scripts at a time (2)
//   --json FILE       all verdicts, for machines
//
// Place in the pipeline: splits all scripts in one process (wast-split.mjs), then runs each in a process of its own, so that a crash or a
// hang is the failure of one script. Exit status: 0 when nothing failed.

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeAssembler, splitFile } from './wast-split.mjs';

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        canonjit: { type: 'string', default: 'build/release/canonjit' },
        tiers: { type: 'string' },
        host: { type: 'string' },
        work: { type: 'string', default: 'build/conformance' },
        timeout: { type: 'string', default: '300' },
        jobs: { type: 'string', default: '2' },
        json: { type: 'string' },
    },
});
if (positionals.length === 0) {
    console.error('usage: node tools/conformance.mjs [options] FOLDER|SCRIPT ...');
    process.exit(2);
}

function findScripts(root) {
    if (!statSync(root).isDirectory())
        return [{ path: root, name: basename(root) }];
    return readdirSync(root, { recursive: true }).filter(name => name.endsWith('.wast')).sort()
        .map(name => ({ path: join(root, name), name }));
}

let scripts;
try {
    scripts = positionals.flatMap(findScripts);
} catch (error) {
    console.error(error.message);
    process.exit(2);
}
if (scripts.length === 0) {
    console.error(`no .wast script in ${positionals.join(', ')}`);
    process.exit(2);
}
const version = execFileSync(options.canonjit, ['--version'], { encoding: 'utf8' }).trim();
const tiers = options.tiers?.split(',') ?? (version.includes('no LLVM') ? ['interp'] : ['jit', 'interp']);

// -- Running ---------------------------------------------------------------------------------------------------------------

const kinds = ['passed', 'failed', 'skipped'];
const problems = []; // lines about scripts that did not come to their end

function run(args) {
    return new Promise(done => execFile(options.canonjit, args, {
        encoding: 'utf8', maxBuffer: 1 << 28, timeout: Number(options.timeout) * 1000, killSignal: 'SIGKILL',
    }, (error, stdout, stderr) => done({ error, stdout, stderr })));
}

async function runScript(script, tier) {
    const common = ['wast', '--tier', tier, ...(options.host ? ['--host', options.host] : [])];
    const { error, stdout, stderr } = await run([...common, '--json', script.json]);
    try {
        const [result] = JSON.parse(stdout).scripts;
        if (!result.unreadable && !error?.signal && !(error?.code > 1)) // a sanitizer speaks up at the end
            return result;
    } catch { /* it did not get so far */ }
    const why = error?.killed ? `did not end in ${options.timeout} s` : error?.signal ? `crashed: ${error.signal}`
        : stderr.trim().split('\n').at(-1) || `exit status ${error?.code}`;
    const verbose = (await run([...common, '--verbose', script.json])).stdout.trim().split('\n').at(-1);
    problems.push(`${script.name}: ${tier}: ${why}; the last command before: ${verbose || 'none'}`);
    return { passed: 0, failed: 1, skipped: 0, commands: [] };
}

const assembler = await makeAssembler();
if (!assembler) {
    console.error('the assembler, @bytecodealliance/jco, is not installed: run `make setup`');
    process.exit(2);
}
rmSync(options.work, { recursive: true, force: true });
for (const script of scripts) {
    try {
        const folder = join(options.work, dirname(script.name));
        mkdirSync(folder, { recursive: true });
        script.json = await splitFile(script.path, folder, assembler);
    } catch (error) {
        problems.push(`${script.path}${error.line ? `:${error.line}` : ''}: ${error.message}`);
    }
}

const work = scripts.flatMap(script => script.json ? tiers.map(tier => ({ script, tier })) : []);
async function worker() {
    for (let job; (job = work.shift());) {
        job.script.results ??= {};
        job.script.results[job.tier] = await runScript(job.script, job.tier);
    }
}
await Promise.all(Array.from({ length: Math.max(1, Number(options.jobs)) }, worker));

// -- Printing --------------------------------------------------------------------------------------------------------------

const isAssertion = command => command.type.startsWith('assert_');
const width = Math.max(30, ...scripts.map(script => script.name.length)) + 1;
const cell = n => String(n).padStart(8);
const row = (name, counts) => console.log(name.padEnd(width) + counts.map(of => of.map(cell).join('')).join('   '));
const add = (a, b) => a.map((n, i) => n + b[i]);

const totals = {}, assertions = {}, consequences = {}, folders = new Map(), reasons = new Map(), failures = new Map();
for (const tier of tiers)
    totals[tier] = [0, 0, 0], assertions[tier] = [0, 0, 0], consequences[tier] = 0;
console.log(version);
console.log(' '.repeat(width) + tiers.map(tier => tier.padStart(24)).join('   '));
console.log('script'.padEnd(width) + tiers.map(() => kinds.map(k => k.padStart(8)).join('')).join('   '));
for (const script of scripts) {
    if (!script.results) {
        console.log(`${script.name.padEnd(width)} not read`);
        continue;
    }
    const counts = tiers.map(tier => kinds.map(kind => script.results[tier][kind]));
    row(script.name, counts);
    const folder = dirname(script.name);
    folders.set(folder, counts.map((of, i) => add(of, folders.get(folder)?.[i] ?? [0, 0, 0])));
    tiers.forEach((tier, i) => {
        totals[tier] = add(totals[tier], counts[i]);
        for (const command of script.results[tier].commands) {
            if (isAssertion(command))
                assertions[tier][kinds.indexOf(command.outcome)]++;
            const where = `${script.name}:${command.line}`;
            if (command.outcome === 'skipped')
                reasons.set(command.text, (reasons.get(command.text) ?? new Map()).set(tier,
                    (reasons.get(command.text)?.get(tier) ?? 0) + 1));
            if (command.outcome === 'failed' && /^the component of line \d+ is not there$/.test(command.text)) {
                consequences[tier]++;
            } else if (command.outcome === 'failed') {
                const line = `${where}: ${command.type}: ${command.text}`;
                failures.set(line, [...failures.get(line) ?? [], tier]);
            }
        }
    });
}
console.log('');
for (const [folder, counts] of folders)
    row(`${folder}/`, counts);
row('all', tiers.map(tier => totals[tier]));
row('assertions of these', tiers.map(tier => assertions[tier]));
if (reasons.size) {
    console.log('\nskipped, and why'.padEnd(width + 1) + tiers.map(tier => tier.padStart(8)).join(''));
    for (const [reason, counts] of [...reasons].sort())
        console.log(`  ${reason}`.padEnd(width) + tiers.map(tier => cell(counts.get(tier) ?? 0)).join(''));
}
if (failures.size || problems.length)
    console.log('\nfailed');
for (const [line, of] of failures)
    console.log(`  ${line}${of.length < tiers.length ? ` [${of.join()} only]` : ''}`);
if (tiers.some(tier => consequences[tier]))
    console.log(`  and commands whose component is not there: ${tiers.map(tier => `${consequences[tier]} (${tier})`).join(', ')}`);
for (const problem of problems)
    console.log(`  ${problem}`);
if (options.json)
    writeFileSync(options.json, JSON.stringify({ version, scripts: scripts.map(({ name, results }) => ({ name, results })), problems }, null, 1));

const failed = tiers.reduce((sum, tier) => sum + totals[tier][1], 0) + scripts.filter(script => !script.results).length;
const [passed, , skipped] = tiers.reduce((sum, tier) => add(sum, totals[tier]), [0, 0, 0]);
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped (${tiers.join(' + ')})`);
process.exit(failed ? 1 : 0);
