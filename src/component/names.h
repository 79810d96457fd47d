/* names.h: the grammar of labels, plain names and interface names, and their strong uniqueness.
 *
 * Place in the pipeline: the decoder checks every name of a file with it; link/ and runtime/ take names apart.
 * Non-goals: what a name refers to, the types that annotated names ask for.
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
} cj_name_kind;

typedef struct cj_name {
    cj_name_kind kind;
    cj_str resource;  /* of annotated names: the resource's label */
    cj_str label;     /* the last label: f; of a constructor: r */
    cj_str package;   /* interface: "ns:pkg" */
    cj_str interface; /* interface: "iface" */
    cj_str version;   /* interface: "1.0.0", or "" */
} cj_name;

/* CJ_INVALID with what is wrong in words. The parts are slices of `text`. */
cj_status cj__name_parse(cj_str text, uint64_t offset, cj_name *out, cj_error *err);
bool cj__label_valid(cj_str label); /* kebab case */
/* Compares as strong uniqueness wants: case folded, annotations stripped. */
bool cj__name_conflicts(const cj_name *a, const cj_name *b);

/* "1.2.3-rc.1+build": a valid semver. "1", "0.2", "0.0.3": a canonical version. */
bool cj__semver_valid(cj_str version);
bool cj__canonversion_valid(cj_str version);

/* A set of names that are strongly unique. Zero it but for `alloc`; free with cj__name_set_free. */
typedef struct cj_name_set {
    const cj_allocator *alloc;
    struct cj_name_set_entry *head;
    cj_arena *arena;
    uint64_t seed;
} cj_name_set;

/* Adds `name`, parsed from `text`, which must outlive the set. CJ_INVALID without details when an earlier one
 * conflicts, which is stored in `previous`; CJ_NO_MEMORY. */
cj_status cj__name_set_add(cj_name_set *, const cj_name *name, cj_str text, cj_str *previous);
void cj__name_set_free(cj_name_set *);

#endif
