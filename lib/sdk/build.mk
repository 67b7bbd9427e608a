# Headers, libkmod and System.kext.
