// compose.mjs: a component put together from others. The wiring is text (wiring/*.wat) in which `(component $role)`
// stands for a component file; it is assembled with those still empty, then the files take their places, as they are.

function leb(n) {
    const bytes = [];
    do
        bytes.push((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
    while (n >>>= 7);
    return Buffer.from(bytes);
}

function readLeb(bytes, at) {
    let n = 0, shift = 0, byte;
    do {
        byte = bytes[at++];
        n |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return [n >>> 0, at];
}

function sections(component) {
    const found = [];
    for (let at = 8; at < component.length;) {
        const id = component[at];
        const [size, start] = readLeb(component, at + 1);
        found.push({ id, payload: component.subarray(start, start + size) });
        at = start + size;
    }
    return found;
}

const COMPONENT = 4;

/** Fills the empty components of `assembled`, in their order, depth first. */
function fill(assembled, files) {
    const parts = [assembled.subarray(0, 8)];
    for (let { id, payload } of sections(assembled)) {
        if (id === COMPONENT)
            payload = sections(payload).every(s => s.id === 0) ? files.shift() : fill(payload, files);
        parts.push(Buffer.from([id]), leb(payload.length), payload);
    }
    return Buffer.concat(parts);
}

/** `text` with each `(component $role)` being `roles.get(role)`, the bytes of a component. */
export async function compose(tools, text, roles) {
    const files = [...text.replace(/;;.*$/gm, '').matchAll(/\(component\s+\$([\w-]+)\s*\)/g)].map(([, role]) => {
        if (!roles.has(role))
            throw new Error(`nothing stands for $${role}`);
        return roles.get(role);
    });
    const component = fill(Buffer.from(await tools.parse(text)), files);
    if (files.length)
        throw new Error('more roles than empty components');
    return component;
}
