// The one file of the core that knows the engine; builds outside it leave this folder out.
#include "Modules/ModuleManager.h"

IMPLEMENT_MODULE(FDefaultModuleImpl, DartMotionCore)
