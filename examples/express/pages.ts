import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import express, { type Router } from 'express'
import type { SessionOf } from './session.js'

/** Pages of somebody who is signed in, by their titles. */
const titles = new Map([
  ['/playground', 'Playground'],
  ['/settings/billing', 'Billing'],
  ['/settings/usage', 'Usage'],
  ['/settings/plans', 'Plans'],
  ['/settings/invoices', 'Invoices'],
  ['/billing/success', 'Payment'],
  ['/billing/cancel', 'Payment canceled'],
])

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** The sign-in, and the billing area behind it: a shell that `page/main.tsx` draws into. */
export function createPages(sessionOf: SessionOf, consoleUrl: string | null): Router {
  const pages = express.Router()
  const files = bundle()
  // Whoever asks for a file is told; until then nobody has to be.
  files.catch(() => {})
  pages.use((_request, response, next) => {
    response.set({ 'content-security-policy': policy, 'cache-control': 'no-store' })
    next()
  })

  pages.get('/files/:name', async (request, response, next) => {
    const file = (await files).get(request.params.name)
    if (!file) return next()
    // The shell names the first of them, which stay the same over a new version; the rest have their content in their name.
    if (/-[A-Z0-9]{8}\./.test(request.params.name)) response.set('cache-control', 'public, max-age=31536000, immutable')
    response.type(request.params.name.endsWith('.css') ? 'css' : 'js').send(file)
  })

  pages.get('/', (request, response) => {
    if (sessionOf(request.get('cookie'))) return response.redirect(303, '/playground')
    response.type('html').send(signInPage)
  })

  pages.get([...titles.keys()], (request, response) => {
    const session = sessionOf(request.get('cookie'))
    if (!session) return response.redirect(303, '/')
    const title = titles.get(request.path) ?? 'Billing'
    response.type('html').send(areaPage(title, session.email, consoleUrl))
  })

  pages.use((_request, response) => void response.status(404).type('html').send(missingPage))
  return pages
}

/** Builds what browsers load, in memory, while the server starts. In your app: a step of your build. */
async function bundle(): Promise<ReadonlyMap<string, Buffer>> {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    entryPoints: ['page/main.tsx', 'page/style.css'],
    entryNames: '[name]',
    outdir: 'files',
    bundle: true,
    splitting: true,
    format: 'esm',
    jsx: 'automatic',
    minify: true,
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return new Map(outputFiles.map(({ path, contents }) => [path.split(/[\\/]/).at(-1) ?? '', Buffer.from(contents)]))
}

function layout(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Parrot</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/files/style.css">
</head>
<body>
${body}
</body>
</html>
`
}

function areaPage(title: string, email: string, consoleUrl: string | null): string {
  const console = consoleUrl === null ? '' : ` data-console="${escaped(consoleUrl)}"`
  return layout(
    title,
    `<div id="root" data-email="${escaped(email)}"${console}></div><script type="module" src="/files/main.js"></script>`,
  )
}

const signInPage = layout(
  'Sign in',
  `<main class="sign-in">
<h1>Parrot</h1>
<p>Says things again, for a price. Sign in to use it, run into its limits and pay.</p>
<form method="post" action="/sign-in">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" required autocomplete="email" value="polly@example.com">
<button type="submit">Sign in</button>
</form>
<p class="quiet">A demo: any address will do, and nothing is sent to it.</p>
</main>`,
)

const missingPage = layout(
  'No such page',
  '<main class="sign-in"><h1>There is no such page</h1><p><a href="/">Back to Parrot</a></p></main>',
)

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
