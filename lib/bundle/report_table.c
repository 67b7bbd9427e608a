/* The table between our slugs and the keys, groups and headings of Darwin's tools. */
#include <string.h>
#include <kext/report.h>

#define DIAGNOSTIC(name) "kOSKextDiagnostic" name
#define DEPENDENCY(name) "kOSKextDependency" name

#define VALID		 KEXT_REPORT_VALIDATION
#define AUTH		 KEXT_REPORT_AUTHENTICATION
#define DEPENDS		 KEXT_REPORT_DEPENDENCIES
#define WARNING		 KEXT_REPORT_WARNINGS
#define BOOT		 KEXT_REPORT_BOOT_LEVEL
#define FLAG		 KEXT_REPORT_FLAG
#define VALUES		 KEXT_REPORT_VALUES

/* Several slugs may share a key: ours tell more cases apart. */
static const struct kext_report_row rows[] = {
	{"bundle.path", VALID, FLAG, DIAGNOSTIC("URLConversionKey"),
	 "The path cannot be converted"},
	{"file.not-found", VALID, VALUES, DIAGNOSTIC("FileNotFoundKey"),
	 "File not found"},
	{"file.access", VALID, VALUES, DIAGNOSTIC("FileAccessKey"),
	 "File cannot be opened or read"},
	{"file.kind", VALID, VALUES, DIAGNOSTIC("FileAccessKey"),
	 "File cannot be opened or read"},
	{"file.size", VALID, VALUES, DIAGNOSTIC("FileAccessKey"),
	 "File cannot be opened or read"},
	{"file.symlink", VALID, VALUES, DIAGNOSTIC("FileAccessKey"),
	 "File cannot be opened or read"},
	{"bundle.not-a-bundle", VALID, FLAG, DIAGNOSTIC("NotABundleKey"),
	 "Not a bundle of a kext"},
	{"bundle.replaced", VALID, FLAG, DIAGNOSTIC("NotABundleKey"),
	 "Not a bundle of a kext"},
	{"plist.syntax", VALID, KEXT_REPORT_MESSAGES, DIAGNOSTIC("BadPropertyListXMLKey"),
	 "Info.plist cannot be parsed"},
	{"plist.type", VALID, KEXT_REPORT_MESSAGES, DIAGNOSTIC("BadPropertyListXMLKey"),
	 "Info.plist cannot be parsed"},
	{"plist.binary", VALID, KEXT_REPORT_MESSAGES, DIAGNOSTIC("BadPropertyListXMLKey"),
	 "Info.plist cannot be parsed"},
	{"property.missing", VALID, VALUES, DIAGNOSTIC("MissingPropertyKey"),
	 "Info.plist lacks a property"},
	{"property.system", VALID, VALUES, DIAGNOSTIC("BadSystemPropertyKey"),
	 "System kext has a property it must not have"},
	{"property.type", VALID, VALUES, DIAGNOSTIC("PropertyIsIllegalTypeKey"),
	 "Info.plist property is of an illegal type"},
	{"property.value", VALID, VALUES, DIAGNOSTIC("PropertyIsIllegalValueKey"),
	 "Info.plist property has an illegal value"},
	{"property.too-long", VALID, VALUES, DIAGNOSTIC("IdentifierOrVersionTooLongKey"),
	 "Identifier and version must be shorter than 64 bytes"},
	{"personality.kind", VALID, VALUES, NULL,
	 "IOKitPersonalities must be a dictionary of dictionaries"},
	{"executable.missing", VALID, VALUES, DIAGNOSTIC("ExecutableMissingKey"),
	 "The executable that Info.plist names does not exist"},
	{"executable.shared-missing", VALID, VALUES,
	 DIAGNOSTIC("SharedExecutableKextMissingKey"),
	 "The kext whose executable is shared was not found"},
	{"executable.shared", VALID, FLAG, DIAGNOSTIC("SharedExecutableAndExecutableKey"),
	 "Info.plist names an executable and one that is shared"},
	{"version.compatible", VALID, FLAG,
	 DIAGNOSTIC("CompatibleVersionLaterThanVersionKey"),
	 "OSBundleCompatibleVersion is later than CFBundleVersion"},
	{"executable.bad", VALID, FLAG, DIAGNOSTIC("ExecutableBadKey"),
	 "The executable is no Mach-O file of a kext, or lacks kmod_info"},

	{"auth.not-found", AUTH, VALUES, DIAGNOSTIC("FileNotFoundKey"), "File not found"},
	{"auth.stat", AUTH, VALUES, DIAGNOSTIC("StatFailureKey"),
	 "File cannot be examined"},
	{"auth.access", AUTH, VALUES, DIAGNOSTIC("FileAccessKey"),
	 "File cannot be opened or read"},
	{"auth.no-file", AUTH, FLAG, DIAGNOSTIC("NoFileKey"),
	 "The kext stands in an archive, not in a folder"},
	{"auth.owner", AUTH, VALUES, DIAGNOSTIC("OwnerPermissionKey"),
	 "Owner or permissions are wrong"},
	{"auth.mode", AUTH, VALUES, DIAGNOSTIC("OwnerPermissionKey"),
	 "Owner or permissions are wrong"},
	{"auth.changed", AUTH, VALUES, NULL, "File was changed while it was examined"},
	{"auth.depth", AUTH, VALUES, NULL, "Too many files to be examined"},

	{"dependency.missing", DEPENDS, VALUES, DEPENDENCY("Unavailable"),
	 "No kext found for these libraries"},
	{"dependency.version", DEPENDS, VALUES, DEPENDENCY("NoCompatibleVersion"),
	 "Only incompatible kexts found for these libraries"},
	{"dependency.undeclared", DEPENDS, VALUES,
	 DEPENDENCY("CompatibleVersionUndeclared"),
	 "Kexts found for these libraries lack OSBundleCompatibleVersion"},
	{"dependency.loaded", DEPENDS, VALUES, DEPENDENCY("LoadedIsIncompatible"),
	 "Loaded kexts of these libraries are incompatible"},
	{"dependency.kernel", DEPENDS, VALUES, DEPENDENCY("LoadedIsIncompatible"),
	 "Loaded kexts of these libraries are incompatible"},
	{"dependency.loaded-undeclared", DEPENDS, VALUES,
	 DEPENDENCY("LoadedCompatibleVersionUndeclared"),
	 "Loaded kexts of these libraries lack OSBundleCompatibleVersion"},
	{"dependency.indirect", DEPENDS, VALUES,
	 DEPENDENCY("IndirectDependencyUnresolvable"),
	 "Libraries whose own dependencies cannot be resolved"},
	{"dependency.multiple", DEPENDS, VALUES, DEPENDENCY("MultipleVersionsDetected"),
	 "Libraries that would be used in several versions"},
	{"dependency.cycle", DEPENDS, VALUES, DEPENDENCY("CircularReference"),
	 "Libraries that depend on themselves"},
	{"dependency.loop", DEPENDS, VALUES, NULL, "Possible dependency loop"},
	{"dependency.request", DEPENDS, VALUES, NULL,
	 "Libraries asked for in a version that is none"},
	{"dependency.raw-and-component", DEPENDS, FLAG,
	 DEPENDENCY("RawAndComponentKernel"),
	 "Asks for com.apple.kernel and for parts of it"},
	{"dependency.invalid", DEPENDS, VALUES, DEPENDENCY("Invalid"),
	 "Libraries that are not valid"},
	{"dependency.inauthentic", DEPENDS, VALUES, DEPENDENCY("Inauthentic"),
	 "Libraries that are not authentic"},
	{"dependency.non-kpi", DEPENDS, FLAG, DIAGNOSTIC("DeclaresNonKPIDependenciesKey"),
	 "64-bit kexts must use the KPIs"},
	{"dependency.private", DEPENDS, FLAG,
	 DIAGNOSTIC("NonAppleKextDeclaresPrivateKPIDependencyKey"),
	 "com.apple.kpi.private is for Apple's kexts alone"},
	{"dependency.raw-kernel", DEPENDS, FLAG, DIAGNOSTIC("RawKernelDependency"),
	 "com.apple.kernel itself must not be asked for"},
	{"dependency.interface", DEPENDS, FLAG, DIAGNOSTIC("sInterfaceDependencyCount"),
	 "An interface must have exactly one library"},

	{"property.type-warning", WARNING, VALUES, DIAGNOSTIC("TypeWarningKey"),
	 "Info.plist property is of the wrong type"},
	{"property.overridden", WARNING, FLAG,
	 DIAGNOSTIC("KernelComponentNotInterfaceKey"),
	 "OSBundleIsInterface is false, but a kernel component is an interface"},
	{"executable.arch", WARNING, VALUES, DIAGNOSTIC("ExecutableArchNotFoundKey"),
	 "The executable has no code for this architecture"},
	{"auth.symlink", WARNING, VALUES, DIAGNOSTIC("SymlinkKey"),
	 "The booter does not follow symbolic links"},
	{"property.deprecated", WARNING, VALUES, DIAGNOSTIC("DeprecatedPropertyKey"),
	 "Info.plist property is deprecated"},
	{"personality.no-identifier", WARNING, VALUES,
	 DIAGNOSTIC("PersonalityHasNoBundleIdentifierKey"),
	 "Personality has no CFBundleIdentifier"},
	{"personality.unknown", WARNING, VALUES,
	 DIAGNOSTIC("PersonalityNamesUnknownKextKey"),
	 "Personality names a kext that is not known"},
	{"personality.nonloadable", WARNING, VALUES,
	 DIAGNOSTIC("PersonalityNamesNonloadableKextKey"),
	 "Personality names a kext that cannot be loaded"},
	{"personality.codeless", WARNING, VALUES,
	 DIAGNOSTIC("PersonalityNamesKextWithNoExecutableKey"),
	 "Personality names a kext without executable"},
	{"personality.other-identifier", WARNING, VALUES,
	 DIAGNOSTIC("PersonalityHasDifferentBundleIdentifierKey"),
	 "Personality names another kext"},
	{"personality.match-category", WARNING, VALUES,
	 DIAGNOSTIC("NonuniqueIOResourcesMatchKey"),
	 "IOMatchCategory of a personality for IOResources is not its IOClass"},
	{"libraries.codeless", WARNING, FLAG, DIAGNOSTIC("CodelessWithLibrariesKey"),
	 "Has libraries, but is neither a library nor has code"},
	{"dependency.no-kernel", WARNING, FLAG,
	 DIAGNOSTIC("NoExplicitKernelDependencyKey"), "Asks for no kernel library"},
	{"dependency.no-kpi", WARNING, FLAG, DIAGNOSTIC("DeclaresNoKPIsWarningKey"),
	 "Asks for no com.apple.kpi library"},
	{"dependency.both", WARNING, FLAG,
	 DIAGNOSTIC("DeclaresBothKernelAndKPIDependenciesKey"),
	 "Asks for com.apple.kernel and com.apple.kpi libraries"},
	{"kmod.identifier", WARNING, KEXT_REPORT_MESSAGES,
	 DIAGNOSTIC("BundleIdentifierMismatchKey"),
	 "MODULE_NAME is not CFBundleIdentifier"},
	{"kmod.version", WARNING, KEXT_REPORT_MESSAGES,
	 DIAGNOSTIC("BundleVersionMismatchKey"), "MODULE_VERSION is not CFBundleVersion"},
	{"dependency.required", WARNING, VALUES,
	 DIAGNOSTIC("sDependencyNotOSBundleRequired"),
	 "Libraries that may be missing in early boot"},
	/* Nobody signs kexts here; the row completes the table. */
	{"auth.unsigned", WARNING, FLAG, DIAGNOSTIC("NotSignedKey"), "Not signed"},

	{"boot.level", BOOT, FLAG, DIAGNOSTIC("IneligibleInSafeBoot"),
	 "Not eligible in a safe boot"},
	{"boot.dependency", BOOT, VALUES, DIAGNOSTIC("DependencyIneligibleInSafeBoot"),
	 "Libraries that are not eligible in a safe boot"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(*rows))

const struct kext_report_row *kext_report_row_at(size_t index)
{
	return index < ROW_COUNT ? &rows[index] : NULL;
}

const struct kext_report_row *kext_report_row(const char *slug)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].slug, slug) == 0)
			return &rows[i];
	return NULL;
}

const char *kext_report_class_name(enum kext_report_class class, enum kext_era era)
{
	static const char *const names[][2] = {
		[KEXT_REPORT_VALIDATION] = {"Validation failures", "Validation Failures"},
		[KEXT_REPORT_AUTHENTICATION] = {"Authentication failures",
						"Authentication Failures"},
		[KEXT_REPORT_DEPENDENCIES] = {"Missing dependencies",
					      "Dependency Resolution Failures"},
		[KEXT_REPORT_WARNINGS] = {"Warnings", "Warnings"},
		[KEXT_REPORT_BOOT_LEVEL] = {"Boot level restrictions",
					    "Boot Level Restrictions"},
		[KEXT_REPORT_OTHER] = {"Other findings", "Other Findings"},
	};
	return names[class][era != KEXT_ERA_TIGER];
}
