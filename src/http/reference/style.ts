/** What the page looks like. Its hash is in the page's policy, which lets nothing else in. */
export const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d5dae0;--paper:#fff;--shade:#f5f7f9;--link:#0b57b0;--get:#0a6640;--write:#8a3b00;--end:#a4001d}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#a3adb8;--line:#363d46;--paper:#14171b;--shade:#1c2127;--link:#7db6ff;--get:#6ddb9f;--write:#ffb37a;--end:#ff8f9c}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
code{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
header,main,nav{padding:0 1rem}
header{padding-top:1.5rem;border-bottom:1px solid var(--line)}
h1{margin:0;font-size:1.6rem;line-height:1.25}
h2{margin:2.5rem 0 .75rem;font-size:1.2rem;text-transform:capitalize}
h3{margin:1.25rem 0 .4rem;font-size:.8rem;letter-spacing:.05em;text-transform:uppercase;color:var(--soft)}
p{margin:.4rem 0;max-width:70ch}
nav ul{margin:1rem 0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
nav a{display:inline-block;padding:.2rem 0;text-decoration:none;text-transform:capitalize}
nav a:hover{text-decoration:underline}
details{border:1px solid var(--line);border-radius:8px;margin:.6rem 0;background:var(--paper)}
summary{cursor:pointer;padding:.65rem .8rem;list-style:none;display:grid;grid-template-columns:4.2rem 1fr;gap:.1rem .6rem;align-items:baseline;border-radius:8px}
summary::-webkit-details-marker{display:none}
summary:hover{background:var(--shade)}
details[open]>summary{border-bottom:1px solid var(--line);border-radius:8px 8px 0 0}
.schema>summary{grid-template-columns:1fr}
.method{font:600 .8rem/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--write)}
.get{color:var(--get)}
.delete{color:var(--end)}
.about{grid-column:2;color:var(--soft);font-size:.92rem}
.body{padding:.2rem .8rem 1rem}
dl{margin:0;border-top:1px solid var(--line)}
dl dl{margin:.4rem 0 0;padding-left:.8rem;border-top:0;border-left:2px solid var(--line)}
dl>div{padding:.45rem 0;border-bottom:1px solid var(--line)}
dl dl>div:last-child{border-bottom:0}
dt{display:flex;flex-wrap:wrap;gap:0 .6rem;align-items:baseline}
dd{margin:0;font-size:.92rem}
.type,.note{color:var(--soft);font-size:.88rem}
.must{color:var(--end);font-size:.8rem}
@media (max-width:30rem){summary{grid-template-columns:1fr}.about{grid-column:1}}
@media (min-width:60rem){
body{display:grid;grid-template-columns:15rem minmax(0,52rem);grid-template-areas:"top top" "nav main";column-gap:2.5rem;padding:0 2rem}
header{grid-area:top;padding:1.5rem 0 1rem}
main{grid-area:main;padding:0 0 6rem}
nav{grid-area:nav;padding:0;position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto}
nav ul{display:block;padding-top:1.5rem}
}
@media print{details{break-inside:avoid}nav{display:none}}
`
