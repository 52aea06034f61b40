# One night: `dartenv nightly`, its words kept in a log, its exit code given back.
#
#   powershell -ExecutionPolicy Bypass -File scripts\nightly.ps1 [options of dartenv nightly]
#
# It installs nothing: dartenv is found in $env:DARTENV, in %LOCALAPPDATA%\dartenv\app (where
# scripts\bootstrap.ps1 puts it) or on PATH. Settings come by environment, secrets by environment alone:
#   DARTENV_CONFIG  a dartenv.toml; default: the nearest one upwards of the working folder
#   DARTENV_OUT     where reports go; default: what the configuration says, else the state folder
#   DARTENV_LOGS    where logs go; default: %LOCALAPPDATA%\dartenv\nightly-logs; 30 are kept
#
# Every night by the Task Scheduler: scripts\nightly\dartenv-nightly.xml says how.
# Written for Windows PowerShell 5.1 and newer.
$ErrorActionPreference = 'Continue'
$given = New-Object System.Collections.ArrayList
if ($env:DARTENV_CONFIG) { [void] $given.AddRange(@('--config', $env:DARTENV_CONFIG)) }
if ($env:DARTENV_OUT) { [void] $given.AddRange(@('--out', $env:DARTENV_OUT)) }
foreach ($argument in $args) { [void] $given.Add($argument) }

$dartenv = $null
$candidates = New-Object System.Collections.ArrayList
if ($env:DARTENV) { [void] $candidates.Add($env:DARTENV) }
[void] $candidates.Add((Join-Path $env:LOCALAPPDATA 'dartenv\app\Scripts\dartenv.exe'))
$command = Get-Command 'dartenv.exe' -CommandType Application -ErrorAction SilentlyContinue
if ($command) { [void] $candidates.Add(@($command)[0].Path) }
foreach ($candidate in $candidates) {
    if (Test-Path -LiteralPath $candidate -PathType Leaf) {
        $dartenv = $candidate
        break
    }
}
if (-not $dartenv) {
    [Console]::Error.WriteLine('dartenv nightly: no dartenv found; set DARTENV, or try: scripts\bootstrap.ps1')
    exit 2
}

$logs = $env:DARTENV_LOGS
if (-not $logs) { $logs = Join-Path $env:LOCALAPPDATA 'dartenv\nightly-logs' }
[void] (New-Item -ItemType Directory -Force -Path $logs)
$stamp = [DateTime]::UtcNow.ToString('yyyyMMddTHHmmssZ')
$log = Join-Path $logs "$stamp-$PID.log"

# What a program writes on its error stream comes as error records; as text they are the same words.
$env:PYTHONIOENCODING = 'utf-8'
& $dartenv nightly @given 2>&1 | ForEach-Object { "$_" } | Tee-Object -FilePath $log
$rc = $LASTEXITCODE

$old = @(Get-ChildItem -LiteralPath $logs -Filter '*.log' | Sort-Object -Property Name -Descending | Select-Object -Skip 30)
foreach ($file in $old) { Remove-Item -LiteralPath $file.FullName }
exit $rc
