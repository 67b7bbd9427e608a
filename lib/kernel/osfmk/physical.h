/*
 * An invented physical address space: numbers below 4 GiB for memory that a kext wants to
 * name to a device.
 */
#ifndef KERNEL_OSFMK_PHYSICAL_H
#define KERNEL_OSFMK_PHYSICAL_H

#include "kernel/kernel.h"

/*
 * Gives `block` whole physical pages, aligned to `alignment` (a power of two). The
 * number, or 0 when there is no room.
 */
uint64_t physical_assign(void *block, size_t size, size_t alignment);
/* Number of the block, or 0 if it was given none. */
uint64_t physical_of(const void *block);
void physical_release(const void *block);
/* Host address of `size` bytes at `physical`, or NULL if they are not all of one block.
 */
void *physical_find(uint64_t physical, size_t size);

unsigned ml_phys_read(uint64_t address);
unsigned ml_phys_read_byte_64(uint64_t address);
unsigned ml_phys_read_half_64(uint64_t address);
unsigned ml_phys_read_word_64(uint64_t address);
uint64_t ml_phys_read_double_64(uint64_t address);
void ml_phys_write(uint64_t address, unsigned value);
void ml_phys_write_byte_64(uint64_t address, unsigned value);
void ml_phys_write_half_64(uint64_t address, unsigned value);
void ml_phys_write_word_64(uint64_t address, unsigned value);
void ml_phys_write_double_64(uint64_t address, uint64_t value);
uint8_t IOMappedRead8(uint64_t address);
uint16_t IOMappedRead16(uint64_t address);
uint32_t IOMappedRead32(uint64_t address);
uint64_t IOMappedRead64(uint64_t address);
void IOMappedWrite8(uint64_t address, uint8_t value);
void IOMappedWrite16(uint64_t address, uint16_t value);
void IOMappedWrite32(uint64_t address, uint32_t value);
void IOMappedWrite64(uint64_t address, uint64_t value);
void bzero_phys(uint64_t address, uint32_t size);

#endif
