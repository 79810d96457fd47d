/* start.h: an instantiation while it goes on, shared by its files.
 *
 * Place in the pipeline: cj_instantiate (instance.c) makes one, imports.c fills in what the linker has, bind.c what functions are bound to.
 * Non-goals: anything that outlives cj_instantiate: that is the instance's.
 */
#ifndef CJ_RUNTIME_START_H
#define CJ_RUNTIME_START_H

#include "runtime/runtime.h"

/* A part and its ancestors, the root last: what a call from the host enters. */
typedef struct cj_chain {
    cj_instance_core **at;
    uint32_t count;
} cj_chain;

/* A slot, or a resource type's destructor, that has to do with a group which is not there yet. */
typedef struct cj_waiting {
    struct cj_waiting *next;
    uint32_t group, slot; /* group CJ_NONE: resource number `slot` */
} cj_waiting;

typedef struct cj_start {
    cj_store *store;
    const cj_linker *linker;
    cj_component *component;
    const cj_program *program;
    cj_instance *instance;
    cj_arena *scratch; /* until the instance is ready */
    cj_error *err;
    const cj_linker_entry **hosts; /* per import of the program */
    cj_chain *chains;              /* per part, each made when it is asked for */
    cj_waiting **waiting;          /* per group */
    uint64_t work;                 /* compiled so far, or to be */
    bool awaited;                  /* code is being compiled that must be there before guests run */
    bool guest_ran;
} cj_start;

/* imports.c: functions and resource types that the program imports, from the linker. CJ_LINK names the first that is missing. */
cj_status cj__start_imports(cj_start *);

/* bind.c. What functions are bound to, as far as no core instance is needed: bindings, resource types, code. */
cj_status cj__bind_prepare(cj_start *);
/* A core instance is there: completes what waited for it, and lets its imports call compiled code. */
cj_status cj__bind_group(cj_start *, uint32_t group);
/* The entries of exports, when all steps have run. */
void cj__bind_entries(cj_start *);
/* For calls of a group's core functions by the host: `guest` and `entering`. */
cj_status cj__bind_core(cj_start *, uint32_t group, cj_binding *out);

#endif
