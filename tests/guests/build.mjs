// build.mjs: core modules to components, all in one process (a process per component would mostly start up node).
//
//   node build.mjs NODE_MODULES MANIFEST
//
// Each line of the manifest: OUTPUT WIT WORLD ENCODING CORE, separated by tabs; ENCODING is utf8, utf16 or compact-utf16.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [nodeModules, manifest] = process.argv.slice(2);
const require = createRequire(join(resolve(nodeModules), 'x.js'));
const tools = await import(pathToFileURL(require.resolve('@bytecodealliance/jco-transpile/wasm-tools')));

for (const line of readFileSync(manifest, 'utf8').split('\n')) {
    if (!line)
        continue;
    const [output, wit, world, stringEncoding, core] = line.split('\t');
    try {
        const binary = readFileSync(core);
        const embedded = await tools.componentEmbed({ binary, witSource: readFileSync(wit, 'utf8'), world, stringEncoding });
        writeFileSync(output, await tools.componentNew(embedded, []));
    } catch (e) {
        console.error(`${output}: ${e.payload ?? e.stack ?? e}`);
        process.exit(1);
    }
}
