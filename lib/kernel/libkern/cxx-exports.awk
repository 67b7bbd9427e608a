# From `nm -P` of the kernel's C++ objects to assembler: an entry of the KPI table for each
# global symbol, and the table of vtables (lib/kernel/machine/vtables.c). Compilers may give
# the two forms of a constructor or destructor one address; Darwin's tools want an address to
# have one name, so the form that fewer vtables and callers have is exported as a jump.
# gcc leaves the two slots of destructors empty in the vtables of abstract classes, and Darwin's
# tools would take that for the end: the table of vtables names the destructors too.
BEGIN {
	print "\t.section .note.GNU-stack,\"\",@progbits"
}
function text(name) {
	printf "\t.section .rodata.str1.1,\"aMS\",@progbits,1\n"
	printf ".Lname%d:\n\t.string \"_%s\"\n", ++names, name
}
function export(name, address) {
	text(name)
	printf "\t.section kpi_exports,\"aw\"\n\t.quad .Lname%d, %s\n", names, address
}
function is_exported(name) {
	return name ~ /^_Z/ || name ~ /^kOSBoolean(True|False)$/ || name == "__cxa_pure_virtual"
}
$1 ~ /:$/ || $2 ~ /^[UNna]$/ || !is_exported($1) { next }
$1 ~ /^_ZTV/ {
	text($1)
	vtable[++vtables] = $1
	entry[vtables] = sprintf("\t.quad .Lname%d, %s, 0x%s", names, $1, $4)
	next
}
$1 ~ /^_ZN.*D2Ev$/ || $1 ~ /^_ZN.*C1E/ {
	printf "\t.text\n\t.p2align 4\n.Ljump%d:\n\tjmp %s\n", ++jumps, $1
	export($1, ".Ljump" jumps)
	next
}
{
	is_defined[$1] = 1
	export($1, $1)
}
function destructor(vtable, kind,    name) {
	name = "_ZN" substr(vtable, 5) "D" kind "Ev"
	return is_defined[name] ? name : "0"
}
END {
	print "\t.section .data.rel.ro,\"aw\"\n\t.p2align 3\n\t.globl kernel_vtables\nkernel_vtables:"
	for (i = 1; i <= vtables; i++)
		print entry[i] ", " destructor(vtable[i], 1) ", " destructor(vtable[i], 0)
	print "\t.quad 0, 0, 0, 0, 0"
}
