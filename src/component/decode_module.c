/* decode_module.c: the outline of an embedded core module: its preamble and its sections' ids, order and sizes.
 *
 * Place in the pipeline and shared conventions: decode.h.
 * Non-goals: what is in the sections: link/ reads them when it merges, WAMR validates function bodies.
 * Spec: core binary format, "Modules".
 */
#include "component/decode.h"

cj_status cj__decode_check_module(cj_decoder *d, cj_reader r)
{
    static const uint8_t preamble[] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
    /* Where each section id stands in the order of sections; 0: anywhere (custom). */
    static const uint8_t places[] = {
        [0] = 0, [1] = 1, [2] = 2, [3] = 3,  [4] = 4,   [5] = 5,   [13] = 6,
        [6] = 7, [7] = 8, [8] = 9, [9] = 10, [12] = 11, [10] = 12, [11] = 13,
    };

    uint64_t start = cj__reader_offset(&r);
    const uint8_t *bytes;
    CJ_TRY(cj__read_bytes(&r, sizeof(preamble), &bytes, "the preamble of a core module"));
    if (memcmp(bytes, preamble, sizeof(preamble)) != 0)
        return cj__fail_at(d->err, CJ_MALFORMED, start,
                           "expected the preamble of a core module (magic, version 1), found something else");
    uint8_t last = 0;
    while (r.at != r.end) {
        uint64_t offset = cj__reader_offset(&r);
        uint8_t id;
        uint32_t size;
        cj_reader section;
        CJ_TRY(cj__read_byte(&r, &id, "a section id of a core module"));
        if (id >= CJ_COUNT(places))
            return cj__decode_unexpected(d, offset, id, "a section id of a core module (0 to 13)");
        CJ_TRY(cj__read_u32(&r, &size, "the size of a core module's section"));
        CJ_TRY(cj__read_slice(&r, size, &section, "a core module's section"));
        if (places[id] == 0) {
            cj_str name;
            CJ_TRY(cj__decode_core_name(d, &section, &name, "the name of a custom section"));
        } else if (places[id] <= last) {
            return cj__fail_at(d->err, CJ_MALFORMED, offset,
                               "expected the sections of a core module in order and once each, found id %u late", id);
        } else {
            last = places[id];
        }
    }
    return CJ_OK;
}
