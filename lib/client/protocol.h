/*
 * The client protocol: frame types, predicates and keys, as both of its ends spell them.
 * Bodies are binary property lists. man 7 kext-protocol describes the exchange.
 */
#ifndef CLIENT_PROTOCOL_H
#define CLIENT_PROTOCOL_H

enum client_message {
	CLIENT_HELLO = 1, /* kextd → client, once: instance, owner, process id */
	CLIENT_REQUEST,	  /* client → kextd: predicate and arguments */
	CLIENT_REPLY,	  /* kextd → client, with the request's id */
	CLIENT_CANCEL, /* client → kextd: interrupt the request of this id; no body */
};

#define CLIENT_SOCKET	   "kextd.socket"
#define CLIENT_START_LOCK  "start.lock"
#define CLIENT_MAX_REQUEST (1u << 20)
#define CLIENT_MAX_REPLY   (64u << 20)

/* Predicates. The first three are kext_request's own. */
#define PREDICATE_LIST	       "Get Loaded Kext Info"
#define PREDICATE_LOAD	       "Load"
#define PREDICATE_UNLOAD       "Unload"
#define PREDICATE_LOG	       "Get Log"
#define PREDICATE_SYSCTL       "Sysctl"
#define PREDICATE_SYSCTL_NAMES "Get Sysctl Names"
#define PREDICATE_STATUS       "Get Status"
#define PREDICATE_FINDINGS     "Get Findings"
#define PREDICATE_SHUTDOWN     "Shutdown"
#define PREDICATE_RESTART      "Restart"

/* Keys of requests and replies. */
#define KEY_PREDICATE	"Kext Request Predicate"
#define KEY_ARGUMENTS	"Kext Request Arguments"
#define KEY_RESULT_CODE "Kext Request Result Code" /* OSReturn */
#define KEY_ERROR	"Error Number"		   /* the library's code, negated */
#define KEY_DIAGNOSTICS "Diagnostics"
#define KEY_ANSWER	"Answer"
#define KEY_REPORT	"Panic Report"

/* Keys of arguments and answers. */
#define KEY_IDENTIFIER	  "CFBundleIdentifier"
#define KEY_PATH	  "OSBundlePath"
#define KEY_DEPENDENCIES  "Dependency Paths"
#define KEY_REPOSITORIES  "Repository Paths"
#define KEY_NO_SYSTEM	  "No System Extensions"
#define KEY_ALLOW_MISSING "Allow Missing"
#define KEY_DELAY	  "Delay Autounload"
#define KEY_TIMEOUT	  "Timeout" /* milliseconds */
#define KEY_WAS_LOADED	  "Was Loaded"
#define KEY_LOAD_TAG	  "OSBundleLoadTag"
#define KEY_START_RESULT  "Start Result"
#define KEY_POSITION	  "Position"
#define KEY_WAIT	  "Wait"
#define KEY_VALUE	  "Value"
#define KEY_NAME	  "Name"
#define KEY_KIND	  "Kind"
#define KEY_FORMAT	  "Format"

/* Keys of a finding. */
#define KEY_SEVERITY "Severity"
#define KEY_SLUG     "Slug"
#define KEY_SUBJECT  "Subject"
#define KEY_MESSAGE  "Message"
#define KEY_HINT     "Hint"

#endif
