#include "plugin/loader_library.h"

#include <dlfcn.h>
#include <stddef.h>

void *loader_library_open(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

const char *loader_library_error(void)
{
    const char *error = dlerror();
    return error != NULL ? error : "no error";
}

const void *loader_library_find(void *library, const char *symbol)
{
    return dlsym(library, symbol);
}

bool loader_library_has(void *library, const char *symbol)
{
    (void)dlerror();
    (void)dlsym(library, symbol);
    return dlerror() == NULL;
}
