// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#pragma once

#include <memory>

#include "CoreMinimal.h"

#include "DartMotionCore/Bundle.h"
#include "DartMotionCore/Model.h"

class UNNEModelData;

namespace DartMotion
{
	/** The bundle's primitive and clip_text in NNE, on a runtime for the CPU. Null with Error. */
	std::unique_ptr<dartmotion::PrimitiveModel> OpenPrimitive(UNNEModelData* Data, const FString& RuntimeName, const dartmotion::Bundle& Bundle, FString& Error);
	std::unique_ptr<dartmotion::TextModel> OpenText(UNNEModelData* Data, const FString& RuntimeName, const dartmotion::Bundle& Bundle, FString& Error);
}
