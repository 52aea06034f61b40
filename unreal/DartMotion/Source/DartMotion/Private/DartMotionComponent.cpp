// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#include "DartMotionComponent.h"

#include "Misc/Paths.h"
#include "NNEModelData.h"

#include "DartMotionRuntime.h"

DEFINE_LOG_CATEGORY_STATIC(LogDartMotion, Log, All);

void UDartMotionComponent::BeginPlay()
{
	Super::BeginPlay();
	FDartMotionSettings Settings;
	Settings.Folder = FPaths::IsRelative(BundleFolder) ? FPaths::Combine(FPaths::ProjectDir(), BundleFolder) : BundleFolder;
	Settings.Primitive = PrimitiveModel.Get();
	Settings.Text = TextModel.Get();
	Settings.RuntimeName = RuntimeName;
	Settings.Seed = static_cast<uint32>(FMath::Max(0, Seed));
	Settings.Ahead = Ahead;
	Runtime = FDartMotionRuntime::Create(Settings, OpenError);
	if (!Runtime.IsValid())
	{
		UE_LOG(LogDartMotion, Error, TEXT("%s"), *OpenError);
		return;
	}
	if (!Runtime->GetLabel().IsEmpty())
	{
		UE_LOG(LogDartMotion, Warning, TEXT("%s"), *Runtime->GetLabel());
	}
	SetGuidance(Guidance);
	SetPrompt(Prompt);
}

void UDartMotionComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	Runtime.Reset(); // a task that still works holds it until it is done
	Super::EndPlay(Reason);
}

void UDartMotionComponent::SetPrompt(const FString& NewPrompt)
{
	Prompt = NewPrompt;
	if (Runtime.IsValid())
	{
		Runtime->SetPrompt(NewPrompt);
	}
}

void UDartMotionComponent::SetGuidance(float NewGuidance)
{
	Guidance = NewGuidance;
	if (Runtime.IsValid() && NewGuidance >= 0.0f)
	{
		Runtime->SetGuidance(NewGuidance);
	}
}

FString UDartMotionComponent::GetError() const
{
	return Runtime.IsValid() ? Runtime->GetError() : OpenError;
}

FString UDartMotionComponent::GetLabel() const
{
	return Runtime.IsValid() ? Runtime->GetLabel() : FString();
}
