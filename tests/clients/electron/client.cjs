// Drives Capgo's published updater for Electron against a mock, and prints what each step gave, a JSON line each.
//   node client.cjs <base url> <app id> <folder for its files>
const Module = require('module')
const path = require('path')

const [origin, appId, home] = process.argv.slice(2)

// Electron itself is not needed for updates: these few answers are all that the updater asks of it.
const electron = {
  app: { getPath: () => home, getVersion: () => '1.0.0', isPackaged: true, on() {}, quit() {}, relaunch() {} },
  safeStorage: { isEncryptionAvailable: () => false },
  ipcMain: { handle() {}, on() {}, removeHandler() {} },
  globalShortcut: { register() {}, unregister() {} },
  Menu: { buildFromTemplate: () => ({ popup() {} }) },
  MenuItem: class {},
  dialog: {},
  BrowserWindow: class {},
}
const load = Module._load
Module._load = (name, ...rest) => (name === 'electron' ? electron : load(name, ...rest))

const { ElectronUpdater } = require('@capgo/electron-updater')
const fakeWindow = { on() {}, once() {}, loadFile: async () => {}, loadURL: async () => {}, isDestroyed: () => false,
  webContents: { on() {}, once() {}, send() {}, reload() {}, isDestroyed: () => false } }

const told = (step, value) => process.stdout.write(JSON.stringify({ step, value: value ?? null }) + '\n')
console.log = () => {}

async function main() {
  const updater = new ElectronUpdater({
    appId, version: '1.0.0', autoUpdate: false, appReadyTimeout: 60000,
    updateUrl: `${origin}/updates`, statsUrl: `${origin}/stats`, channelUrl: `${origin}/channel_self`,
  })
  await updater.initialize(fakeWindow, path.join(home, 'builtin'))
  told('device', await updater.getDeviceId())
  const latest = await updater.getLatest()
  told('latest', latest)
  const bundle = await updater.download({ url: latest.url, version: latest.version, checksum: latest.checksum })
  told('download', bundle)
  await updater.set({ id: bundle.id })
  told('set', await updater.current())
  told('ready', await updater.notifyAppReady())
  told('again', await updater.getLatest())
  told('setChannel', await updater.setChannel({ channel: 'beta' }))
  const wrong = await updater.download({ url: latest.url, version: latest.version, checksum: '0'.repeat(64) })
    .catch(error => ({ refused: error.message }))
  told('wrongChecksum', wrong)
}

main().then(() => process.exit(0), error => { process.stderr.write(`${error.stack}\n`); process.exit(1) })
