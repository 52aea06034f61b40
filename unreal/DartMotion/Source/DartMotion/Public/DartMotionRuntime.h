// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"

#include "DartMotionCore/Player.h"
#include "DartMotionCore/Texts.h"

class UNNEModelData;

/** What a motion is made from. */
struct FDartMotionSettings
{
	/** The bundle's folder, with bundle.json. */
	FString Folder;
	/** The bundle's primitive model (a .portable.onnx file) imported as an asset. */
	UNNEModelData* Primitive = nullptr;
	/** Its clip_text model; without it, only the empty prompt can be shown. */
	UNNEModelData* Text = nullptr;
	FString RuntimeName = TEXT("NNERuntimeORTCpu");
	uint32 Seed = 0;
	/** Frames kept ready: more forgive a slower model, fewer follow a prompt sooner. */
	int32 Ahead = 4;
};

/**
 * One endless motion: the core's player with NNE's models, filled by a task. Shared by the component that owns it, the
 * animation that shows it and the task that works for it.
 */
class DARTMOTION_API FDartMotionRuntime : public TSharedFromThis<FDartMotionRuntime, ESPMode::ThreadSafe>
{
public:
	/** Game thread. Null with Error where the bundle, a model or the runtime cannot be used. */
	static TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> Create(const FDartMotionSettings& Settings, FString& Error);

	/** Any thread: show this from the next frame that is made. */
	void SetPrompt(const FString& Prompt);
	/** Any thread: 0 ignores the text, 1 follows it plainly. */
	void SetGuidance(float Guidance);
	/** Animation: lets Seconds pass. False until motion is there. */
	bool Advance(float Seconds, dartmotion::Pose& OutPose);
	/** Any thread: what went wrong last, or nothing. */
	FString GetError() const;
	/** What must be said of this motion: a sandbox's, or of stand-ins. */
	FString GetLabel() const;

	const dartmotion::Bundle& GetBundle() const { return Bundle; }

private:
	bool Open(const FDartMotionSettings& Settings, FString& Error);
	bool OpenTexts(const FDartMotionSettings& Settings, FString& Error);
	void Work();
	void WakeWorker();
	void Fail(const std::string& What);

	dartmotion::Bundle Bundle;
	TArray64<uint8> Table;
	std::unique_ptr<dartmotion::PrimitiveModel> Primitive;
	std::unique_ptr<dartmotion::TextModel> TextModel;
	std::unique_ptr<dartmotion::NoiseSource> Noise;
	/** The task's alone. */
	std::unique_ptr<dartmotion::Texts> Texts;
	std::unique_ptr<dartmotion::Player> Player;

	mutable FCriticalSection Lock;
	FString AskedPrompt;
	bool bPromptAsked = false;
	FString LastError;
	std::atomic<bool> bWorking{false};
};
