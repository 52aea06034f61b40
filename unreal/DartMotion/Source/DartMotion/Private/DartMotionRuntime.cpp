// Not compiled inside Unreal. Checked instead: the core it calls is built, sanitized and held against recorded
// motion (scripts/core_matrix.sh); this file is compiled against declarations of what it uses of the engine, in the
// form of 5.3 and of 5.4 and newer (Tests/Declarations, written from the public API reference). Try it in your engine
// before you rely on it.
#include "DartMotionRuntime.h"

#include <string_view>
#include <utility>

#include "Misc/Compression.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "Misc/ScopeLock.h"
#include "Tasks/Task.h"

#include "DartMotionModels.h"

namespace DartMotion
{
namespace
{
	std::string_view View(const TArray64<uint8>& Bytes)
	{
		return {reinterpret_cast<const char*>(Bytes.GetData()), static_cast<std::size_t>(Bytes.Num())};
	}

	FString Text(const std::string& Utf8)
	{
		return FString(UTF8_TO_TCHAR(Utf8.c_str()));
	}

	bool ReadFile(const FString& Folder, const std::string& Name, TArray64<uint8>& Out, FString& Error)
	{
		const FString Path = FPaths::Combine(Folder, Text(Name));
		if (FFileHelper::LoadFileToArray(Out, *Path))
		{
			return true;
		}
		Error = FString::Printf(TEXT("%s cannot be read: expected the folder of a bundle"), *Path);
		return false;
	}

	/** The text of a gzip file. Its last four bytes are the length. */
	bool Unpack(const TArray64<uint8>& Packed, TArray64<uint8>& Out)
	{
		const int64 Count = Packed.Num();
		if (Count < 18)
		{
			return false;
		}
		uint32 Length = 0;
		for (int64 i = 1; i <= 4; ++i)
		{
			Length = Length << 8 | Packed[Count - i];
		}
		if (Length > 64u * 1024 * 1024)
		{
			return false;
		}
		Out.SetNumUninitialized(Length);
		return FCompression::UncompressMemory(NAME_Gzip, Out.GetData(), static_cast<int32>(Length), Packed.GetData(), static_cast<int32>(Count));
	}
}
}

TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> FDartMotionRuntime::Create(const FDartMotionSettings& Settings, FString& Error)
{
	TSharedPtr<FDartMotionRuntime, ESPMode::ThreadSafe> Made = MakeShared<FDartMotionRuntime, ESPMode::ThreadSafe>();
	if (!Made->Open(Settings, Error))
	{
		return nullptr;
	}
	Made->WakeWorker();
	return Made;
}

bool FDartMotionRuntime::Open(const FDartMotionSettings& Settings, FString& Error)
{
	TArray64<uint8> Json;
	if (!DartMotion::ReadFile(Settings.Folder, "bundle.json", Json, Error))
	{
		return false;
	}
	std::string Why;
	if (!dartmotion::ReadBundle(DartMotion::View(Json), Bundle, Why))
	{
		Error = DartMotion::Text(Why);
		return false;
	}
	if (Settings.Primitive == nullptr)
	{
		Error = TEXT("no primitive model: import the bundle's primitive.fp32.portable.onnx and choose the asset");
		return false;
	}
	Primitive = DartMotion::OpenPrimitive(Settings.Primitive, Settings.RuntimeName, Bundle, Error);
	if (!Primitive)
	{
		return false;
	}
	Noise.reset(new dartmotion::SeededNoise(Settings.Seed));
	Texts.reset(new dartmotion::Texts(Bundle));
	if (Settings.Text != nullptr && !OpenTexts(Settings, Error))
	{
		return false;
	}
	Player.reset(new dartmotion::Player(Bundle, *Primitive, *Noise, static_cast<std::size_t>(FMath::Max(1, Settings.Ahead))));
	return true;
}

bool FDartMotionRuntime::OpenTexts(const FDartMotionSettings& Settings, FString& Error)
{
	TArray64<uint8> Packed, Vocabulary;
	if (!DartMotion::ReadFile(Settings.Folder, Bundle.tokenizer.vocabulary, Packed, Error) || !DartMotion::ReadFile(Settings.Folder, Bundle.tokenizer.table, Table, Error))
	{
		return false;
	}
	if (!DartMotion::Unpack(Packed, Vocabulary))
	{
		Error = TEXT("the bundle's vocabulary cannot be unpacked: expected a gzip file");
		return false;
	}
	TextModel = DartMotion::OpenText(Settings.Text, Settings.RuntimeName, Bundle, Error);
	if (!TextModel)
	{
		return false;
	}
	std::string Why;
	if (!Texts->Open(DartMotion::View(Vocabulary), Table.GetData(), static_cast<std::size_t>(Table.Num()), *TextModel, Why))
	{
		Error = DartMotion::Text(Why);
		return false;
	}
	return true;
}

void FDartMotionRuntime::SetPrompt(const FString& Prompt)
{
	{
		FScopeLock Hold(&Lock);
		AskedPrompt = Prompt;
		bPromptAsked = true;
	}
	WakeWorker();
}

void FDartMotionRuntime::SetGuidance(float Guidance)
{
	Player->SetGuidance(FMath::Clamp(Guidance, 0.0f, 1000.0f));
}

bool FDartMotionRuntime::Advance(float Seconds, dartmotion::Pose& OutPose)
{
	const bool bThere = Player->Advance(static_cast<double>(Seconds), OutPose);
	WakeWorker();
	return bThere;
}

void FDartMotionRuntime::WakeWorker()
{
	bool bPrompt = false;
	{
		FScopeLock Hold(&Lock);
		bPrompt = bPromptAsked;
	}
	if (!bPrompt && !Player->Wants())
	{
		return;
	}
	if (!bWorking.exchange(true))
	{
		UE::Tasks::Launch(UE_SOURCE_LOCATION, [Self = AsShared()] { Self->Work(); });
	}
}

void FDartMotionRuntime::Work()
{
	FString Prompt;
	bool bPrompt = false;
	{
		FScopeLock Hold(&Lock);
		Prompt = AskedPrompt;
		bPrompt = bPromptAsked;
		bPromptAsked = false;
	}
	std::string Why;
	if (bPrompt)
	{
		const std::string Utf8 = dartmotion::Composed(TCHAR_TO_UTF8(*Prompt), Bundle.body);
		const std::vector<float>* Embedding = Texts->Embed(Utf8, Why);
		if (Embedding != nullptr)
		{
			Player->SetPrompt(Utf8, *Embedding);
			Fail(std::string());
		}
		else
		{
			Fail(Why);
		}
	}
	if (!Player->Fill(Why))
	{
		Fail(Why);
	}
	bWorking = false;
}

void FDartMotionRuntime::Fail(const std::string& What)
{
	FScopeLock Hold(&Lock);
	LastError = DartMotion::Text(What);
}

FString FDartMotionRuntime::GetError() const
{
	FScopeLock Hold(&Lock);
	return LastError;
}

FString FDartMotionRuntime::GetLabel() const
{
	return DartMotion::Text(Bundle.Label());
}
