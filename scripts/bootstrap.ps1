# From a machine with nothing but PowerShell to `dartenv bootstrap`:
#   powershell -ExecutionPolicy Bypass -File scripts\bootstrap.ps1 [its options]
#
# Finds a Python (3.8 to 3.13), puts dartenv into an environment of its own, then runs
# `dartenv bootstrap` with the options given. Can be interrupted and repeated. It asks for no rights,
# and changes neither PATH nor any profile. Written for Windows PowerShell 5.1 and newer.
#
#   $env:DARTENV_PYTHON  the Python to use, instead of looking for one
#   $env:DARTENV_APP     where dartenv is put; default: %LOCALAPPDATA%\dartenv\app
#   $env:DARTENV_FROM    what is installed: a folder, a wheel, or a name on the package index;
#                        default: the checkout that this script lies in, else "dartenv"

# What a program writes on its error stream is no error of this script: exit codes are looked at.
$ErrorActionPreference = 'Continue'
$given = $args
$seen = New-Object System.Collections.ArrayList

function Write-Said([string] $text) { [Console]::Error.WriteLine("dartenv: $text") }

function Test-Python([string] $exe) {
    if (-not $exe) { return $false }
    $file = Get-Item -LiteralPath $exe -ErrorAction SilentlyContinue
    if (-not $file) { return $false }
    if ($file.Length -eq 0) {
        # The Microsoft Store's alias: it opens the Store instead of running.
        [void] $seen.Add("  ${exe}: opens the Microsoft Store, is no Python")
        return $false
    }
    $code = 'import sys, ensurepip, venv; print(''%d.%d'' % sys.version_info[:2])'
    $answer = & $exe -c $code
    if ($LASTEXITCODE -ne 0 -or -not $answer) {
        [void] $seen.Add("  ${exe}: does not run, or has no venv")
        return $false
    }
    $minor = [int] ("$answer".Trim().Split('.')[1])
    if ("$answer".StartsWith('3.') -and $minor -ge 8 -and $minor -le 13) { return $true }
    [void] $seen.Add("  ${exe}: Python $answer")
    return $false
}

function Find-Python {
    if ($env:DARTENV_PYTHON) {
        if (Test-Python $env:DARTENV_PYTHON) { return $env:DARTENV_PYTHON }
        Write-Said "DARTENV_PYTHON=$($env:DARTENV_PYTHON): not a Python 3.8 to 3.13 that can make environments"
        return $null
    }
    $candidates = New-Object System.Collections.ArrayList
    foreach ($root in 'HKCU:\Software\Python\PythonCore', 'HKLM:\Software\Python\PythonCore') {
        foreach ($key in @(Get-ChildItem -Path $root -ErrorAction SilentlyContinue)) {
            $place = Get-ItemProperty -Path "$($key.PSPath)\InstallPath" -ErrorAction SilentlyContinue
            if ($place -and $place.ExecutablePath) { [void] $candidates.Add($place.ExecutablePath) }
        }
    }
    foreach ($name in 'python3.exe', 'python.exe') {
        foreach ($command in @(Get-Command $name -All -CommandType Application -ErrorAction SilentlyContinue)) {
            [void] $candidates.Add($command.Path)
        }
    }
    if ($env:CONDA_EXE) {
        $root = Split-Path -Parent (Split-Path -Parent $env:CONDA_EXE)
        [void] $candidates.Add((Join-Path $root 'python.exe'))
    }
    foreach ($name in 'miniforge3', 'miniconda3', 'anaconda3') {
        [void] $candidates.Add((Join-Path $env:USERPROFILE "$name\python.exe"))
    }
    foreach ($exe in $candidates) {
        if (Test-Python $exe) { return $exe }
    }
    Write-Said 'no Python 3.8 to 3.13 that can make environments was found.'
    foreach ($line in $seen) { [Console]::Error.WriteLine($line) }
    Write-Said 'Install one from https://www.python.org/downloads/windows/ (tick "Add python.exe to PATH").'
    return $null
}

$app = $env:DARTENV_APP
if (-not $app) { $app = Join-Path $env:LOCALAPPDATA 'dartenv\app' }
$from = $env:DARTENV_FROM
if (-not $from) {
    $checkout = Split-Path -Parent $PSScriptRoot
    $from = 'dartenv'
    if (Test-Path -LiteralPath (Join-Path $checkout 'pyproject.toml')) { $from = $checkout }
}
$stamp = Join-Path $app '.dartenv-from'
$exe = Join-Path $app 'Scripts\dartenv.exe'

function Test-Fresh {
    if (-not (Test-Path -LiteralPath $exe) -or -not (Test-Path -LiteralPath $stamp)) { return $false }
    if ([IO.File]::ReadAllText($stamp) -ne $from) { return $false }
    [void] (& $exe --version)
    if ($LASTEXITCODE -ne 0) { return $false }
    if (-not (Test-Path -LiteralPath $from -PathType Container)) { return $true }
    # A folder counts as another one when a file of it is newer.
    $made = (Get-Item -LiteralPath $stamp).LastWriteTimeUtc
    foreach ($part in 'dartenv', 'manifests') {
        $files = Get-ChildItem -LiteralPath (Join-Path $from $part) -Recurse -File -ErrorAction SilentlyContinue
        foreach ($file in @($files)) {
            if ($file.Extension -ne '.pyc' -and $file.LastWriteTimeUtc -gt $made) { return $false }
        }
    }
    return $true
}

if (-not (Test-Fresh)) {
    $python = Find-Python
    if (-not $python) { exit 2 }
    Write-Said "putting dartenv into $app, with $python"
    [void] (New-Item -ItemType Directory -Force -Path $app)
    if (Test-Path -LiteralPath $stamp) { Remove-Item -LiteralPath $stamp }
    # --clear: what an interrupted run left is no environment to build on.
    & $python -m venv --clear $app
    if ($LASTEXITCODE -ne 0) {
        Write-Said "$python could not make an environment in $app"
        exit 4
    }
    & (Join-Path $app 'Scripts\python.exe') -m pip install --quiet --disable-pip-version-check "${from}[ort,export,assets]"
    if ($LASTEXITCODE -ne 0) {
        Write-Said "dartenv could not be installed from $from; what pip says is above. Run this again when that is mended."
        exit 4
    }
    [IO.File]::WriteAllText("$stamp.new", $from)
    Move-Item -Force -LiteralPath "$stamp.new" -Destination $stamp
}
Write-Said "dartenv is $exe"
& $exe bootstrap @given
exit $LASTEXITCODE
