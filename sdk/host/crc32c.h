/* CRC32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as in RFC 3720 appendix B.4. */
#ifndef SDK_HOST_CRC32C_H
#define SDK_HOST_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0 to begin with, or the result for the bytes before. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
