// Counts test cases over CTest's JUnit reports: node tools/count-tests.mjs NAME=REPORT.xml ...
// A CTest test counts as the cases that it reports itself, by cmocka's lines ("[  PASSED  ] 3 test(s).") or by a last line of the form
// "3 passed, 1 failed"; one that reports none counts as one, and one that fails without a failed case of its own as one more failure.
// Prints a line per report and, last, "N passed, N failed". Exit status 1 when anything failed or a report is missing.

import { readFileSync } from 'node:fs';

const unescape = text => text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name) => {
    if (name[0] === '#')
        return String.fromCodePoint(name[1] === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10));
    return { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }[name] ?? whole;
});

function countCases(output, ok) {
    let passed = 0, failed = 0, found = false;
    for (const [, status] of output.matchAll(/^\[ +(OK|FAILED|ERROR) +\] \w/gm)) {
        found = true;
        if (status === 'OK')
            passed++;
    }
    for (const [, n] of output.matchAll(/^\[  FAILED  \] \w[^:\n]*: (\d+) test\(s\)/gm))
        failed += Number(n);
    const failedCmocka = [...output.matchAll(/^ (\d+) FAILED TEST\(S\)/gm)].reduce((sum, m) => sum + Number(m[1]), 0);
    failed = Math.max(failed, failedCmocka);
    const own = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, \d+ skipped)?$/gm)].at(-1);
    if (own) {
        found = true;
        passed += Number(own[1]);
        failed += Number(own[2]);
    }
    if (!found)
        return ok ? [1, 0] : [0, 1];
    if (!ok && failed === 0)
        failed = 1;
    return [passed, failed];
}

let passed = 0, failed = 0;
for (const arg of process.argv.slice(2)) {
    const [, name, path] = /^([^=]*)=(.*)$/.exec(arg);
    let xml;
    try {
        xml = readFileSync(path, 'utf8');
    } catch {
        console.log(`${name}: did not build or run`);
        failed++;
        continue;
    }
    let p = 0, f = 0, programs = 0;
    for (const [, attributes, body] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
        const status = /status="(\w+)"/.exec(attributes)[1];
        const output = unescape(/<system-out>([\s\S]*?)<\/system-out>/.exec(body ?? '')?.[1] ?? '');
        programs++;
        if (status === 'disabled')
            continue;
        const [a, b] = countCases(output, status === 'run');
        p += a;
        f += b;
        if (b > 0)
            console.log(`${name}: FAILED ${/name="([^"]*)"/.exec(attributes)[1]}`);
    }
    if (programs === 0) {
        console.log(`${name}: no tests`);
        f++;
    }
    console.log(`${name}: ${p} passed, ${f} failed (${programs} programs)`);
    passed += p;
    failed += f;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
