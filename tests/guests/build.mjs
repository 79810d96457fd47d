// build.mjs: makes the components that CMakeLists.txt lists, all in one process (a process per component would mostly
// start up node).
//
//   node build.mjs NODE_MODULES MANIFEST
//
// Each line of the manifest, with tabs between its fields:
//
//   guest    OUTPUT WIT WORLD ENCODING CORE      a core module with its world; ENCODING is utf8, utf16 or compact-utf16
//   relay    OUTPUT WIT WORLD ENCODING           the same with the module of relay.mjs
//   compose  OUTPUT WIRING ROLE=COMPONENT...     components put together: compose.mjs
//   qjs      OUTPUT WIT WORLD SCRIPT             JavaScript with the engine that runs it: componentize-qjs
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compose } from './compose.mjs';
import { relay } from './relay.mjs';

const [nodeModules, manifest] = process.argv.slice(2);
const require = createRequire(join(resolve(nodeModules), 'x.js'));
const tools = await import(pathToFileURL(require.resolve('@bytecodealliance/jco-transpile/wasm-tools')));
const text = path => readFileSync(path, 'utf8');

const makers = {
    async guest(wit, world, stringEncoding, core) {
        const embedded = await tools.componentEmbed({ binary: readFileSync(core), witSource: text(wit), world, stringEncoding });
        return tools.componentNew(embedded, []);
    },
    async relay(wit, world, stringEncoding) {
        const dummy = await tools.componentEmbed({ dummy: true, witSource: text(wit), world, stringEncoding });
        return tools.componentNew(await tools.parse(relay(await tools.print(dummy))), []);
    },
    async compose(wiring, ...roles) {
        const files = roles.map(role => role.split('=', 2)).map(([role, path]) => [role, readFileSync(path)]);
        return compose(tools, text(wiring), new Map(files));
    },
    async qjs(witPath, world, script) {
        const { componentize } = require('componentize-qjs');
        return (await componentize({ witPath, world, jsSource: text(script), sync: true, stubWasi: true })).component;
    },
};

for (const line of text(manifest).split('\n')) {
    if (!line)
        continue;
    const [kind, output, ...fields] = line.split('\t');
    try {
        writeFileSync(output, await makers[kind](...fields));
    } catch (e) {
        console.error(`${output}: ${e.payload ?? e.stack ?? e}`);
        process.exit(1);
    }
}
