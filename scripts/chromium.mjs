import { existsSync } from 'node:fs'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/opt/google/chrome/chrome']

/** The machine's chromium or chrome; without one there is nothing to drive. */
export const chromiumPath = places.find((path) => existsSync(path))
