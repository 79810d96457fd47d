// What gcc built, read by clang too, warnings as errors; and the files that use LLVM once more with the headers of a newer LLVM.
//
//     node tools/check-clang.mjs COMPILE_COMMANDS CLANG [LLVM_INCLUDE_DIR]
//
// Syntax and warnings only, no code: seconds where a build would take minutes. Prints what fails; exit status 1 then.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

const [database, clang, newer] = process.argv.slice(2);
const jobs = [];
for (const { file, command, directory } of JSON.parse(readFileSync(database, 'utf8'))) {
    if (/\/node_modules\/|\/cmake\/wamr\//.test(file))
        continue; // WAMR's own
    const words = command.match(/(?:"(?:[^"\\]|\\.)*"|\\.|[^\s"\\])+/g); // as the shell reads them, still quoted
    const args = ['-fsyntax-only', '-Werror'];
    for (let i = words.findIndex(w => w.startsWith('-')); i < words.length; i++) { // behind the compiler, or a launcher and the compiler
        if (words[i] === '-o')
            i++;
        else if (words[i] !== '-c' && words[i] !== '-Werror' && !words[i].startsWith('-Wno-error='))
            args.push(words[i]);
    }
    jobs.push({ name: file, args, directory });
    if (newer && /\/src\/exec\/llvm\//.test(file))
        jobs.push({ name: `${file} with ${newer}`, args: args.map(a => /\/llvm-[0-9]+\/include$/.test(a) ? newer : a), directory });
}

let failed = 0, next = 0;
async function work() {
    for (let job; (job = jobs[next++]);) {
        await new Promise(done => execFile('/bin/sh', ['-c', `${clang} ${job.args.join(' ')}`], { cwd: job.directory, maxBuffer: 1 << 26 }, (error, out, err) => {
            if (error) {
                failed++;
                console.log(`${job.name}\n${err || error.message}`);
            }
            done();
        }));
    }
}
await Promise.all(Array.from({ length: availableParallelism?.() ?? cpus().length }, work));
console.log(`${jobs.length - failed} of ${jobs.length} are clean`);
process.exit(failed || !jobs.length ? 1 : 0);
