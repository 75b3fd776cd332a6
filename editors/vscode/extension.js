// Starts `dlspec lsp` and hands it what is written in YAML files; the server itself tells which of them are specs.
"use strict";

const path = require("path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

/** The command of the settings; one with a path starts at the folder that is open. */
function command() {
  const [program, ...args] = vscode.workspace.getConfiguration("dlspec").get("command");
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const isPath = program.includes("/") || program.includes("\\");
  return { command: isPath && folder ? path.resolve(folder, program) : program, args, options: { cwd: folder } };
}

async function start() {
  const schemes = ["file", "untitled"];
  client = new LanguageClient("dlspec", "dlspec", command(), {
    documentSelector: ["yaml", "dlspec"].flatMap((language) => schemes.map((scheme) => ({ scheme, language }))),
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{yaml,yml,py,csv,parquet,json,jsonl}") },
  });
  try {
    await client.start();
  } catch (error) {
    const help = "Install it with `pip install 'dlspec[lsp]'`, or name its program in the setting `dlspec.command`.";
    vscode.window.showErrorMessage(`dlspec's language server does not start: ${error.message ?? error}. ${help}`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.dispose();
}

async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("dlspec.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("dlspec") && restart()),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
