// What is visible outside the module. Unreal's build tool defines the macro; elsewhere it is nothing, or what a
// shared library needs.
#pragma once

#ifndef DARTMOTIONCORE_API
#define DARTMOTIONCORE_API
#endif
