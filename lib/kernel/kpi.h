/*
 * The KPI export table. A function or object that kexts may bind to is exported right
 * where it is defined; `kernel_task --describe` turns the table into mach_kernel's symbols.
 */
#ifndef KERNEL_KPI_H
#define KERNEL_KPI_H

struct kpi_export {
	const char *symbol;	/* Darwin's symbol, with its leading underscore */
	const void *address;
};

/* All exports, in link order; the linker makes the two bounds. */
extern const struct kpi_export __start_kpi_exports[], __stop_kpi_exports[];

#define KPI_PASTE2(a, b) a##b
#define KPI_PASTE(a, b) KPI_PASTE2(a, b)

/*
 * Export `object` (a function or variable) under the Darwin symbol `name`. Needed where
 * glibc has the plain name (our function is then called xnu_NAME) or where Darwin exports
 * one body under two names.
 */
#define KPI_AS(name, object)                                                           \
	static const struct kpi_export __attribute__((section("kpi_exports"), used))   \
	KPI_PASTE(kpi_export_, __COUNTER__) = {name, (const void *)&(object)}

/* Export `object` under its own name. */
#define KPI(object) KPI_AS("_" #object, object)
/* Export xnu_NAME as _NAME. */
#define KPI_XNU(name) KPI_AS("_" #name, xnu_##name)

#endif
