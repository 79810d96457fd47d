/* names.h: the grammar of labels, plain names and interface names, and their strong uniqueness.
 *
 * Spec: Explainer, "Import and Export Definitions"; Binary.md, names.
 */
#ifndef CJ_COMPONENT_NAMES_H
#define CJ_COMPONENT_NAMES_H

#include "base/base.h"

typedef enum cj_name_kind {
    CJ_NAME_PLAIN,       /* f */
    CJ_NAME_CONSTRUCTOR, /* [constructor]r */
    CJ_NAME_METHOD,      /* [method]r.f */
    CJ_NAME_STATIC,      /* [static]r.f */
    CJ_NAME_INTERFACE,   /* ns:pkg/iface@1.0.0 */
    CJ_NAME_DEP,         /* unlocked-dep=, locked-dep=, url=, integrity=: recognised, `unsupported` where used */
} cj_name_kind;

typedef struct cj_name {
    cj_name_kind kind;
    cj_str resource;  /* of annotated names: the resource's label */
    cj_str label;     /* the last label: f */
    cj_str package;   /* interface: "ns:pkg" */
    cj_str interface; /* interface: "iface" */
    cj_str version;   /* interface: "1.0.0", or "" */
} cj_name;

/* CJ_INVALID with what is wrong in words. */
cj_status cj__name_parse(cj_str text, uint64_t offset, cj_name *out, cj_error *err);
bool cj__label_valid(cj_str label); /* kebab case */
/* Compares as strong uniqueness wants: case folded, annotations stripped. */
bool cj__name_conflicts(const cj_name *a, const cj_name *b);

#endif
