"""How the HTML report looks: light and dark, on paper too; nothing in it is fetched from anywhere."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2330; --soft: #5a6577; --line: #d9dee7; --card: #f5f7fa;
  --passed: #2e8b57; --failed: #c8372d; --late: #c77700; --waits: #2f6fd0; --cancelled: #7a8494; --died: #8a3ffc;
  --running: #0e8fa3; --merge: #0b3d22; --shade: rgba(255, 255, 255, .35); }
@media (prefers-color-scheme: dark) { :root { --ground: #12161d; --ink: #e4e8ef; --soft: #9aa6b8; --line: #2c3441;
  --card: #1a2029; --passed: #4cb782; --failed: #f0695e; --late: #e8a33d; --waits: #6ba3f5; --cancelled: #8b95a5;
  --died: #b58bff; --running: #3fc1d6; --merge: #d6ffe8; --shade: rgba(0, 0, 0, .32); } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1200px; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 32px 0 8px; }
h3 { font-size: 15px; margin: 0 0 4px; }
p, ul, dl { margin: 4px 0; } .soft { color: var(--soft); }
.notice { padding: 8px 12px; border-left: 4px solid var(--running); background: var(--card); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 8px; margin: 16px 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; }
.figures dt { color: var(--soft); font-size: 13px; } .figures dd { margin: 0; font-size: 18px; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; } td.number { white-space: nowrap; }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 8px 10px; margin: 8px 0;
  white-space: pre-wrap; }
.failure { border: 1px solid var(--line); border-left: 4px solid var(--failed); border-radius: 6px; padding: 10px 14px;
  margin: 10px 0; }
.word { font-weight: 600; } .word.merged { color: var(--passed); } .word.failed { color: var(--failed); }
.word.conflict, .word.cancelled, .word.quarantined { color: var(--late); }
summary { cursor: pointer; color: var(--soft); }
.gantt { width: 100%; min-width: 640px; height: auto; display: block; }
.gantt text { fill: var(--ink); font: 11px system-ui, sans-serif; } .gantt .axis { fill: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; } .shade { fill: var(--shade); } .merge rect { fill: var(--merge); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; list-style: none; font-size: 13px; }
.legend span { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; }
.legend .tick { width: 3px; background: var(--merge); }
.passed .whole { fill: var(--passed); } .legend .passed { background: var(--passed); }
.failed .whole { fill: var(--failed); } .legend .failed { background: var(--failed); }
.late .whole { fill: var(--late); } .legend .late { background: var(--late); }
.waits .whole { fill: var(--waits); } .legend .waits { background: var(--waits); }
.cancelled .whole { fill: var(--cancelled); } .legend .cancelled { background: var(--cancelled); }
.died .whole { fill: var(--died); } .legend .died { background: var(--died); }
.running .whole { fill: var(--running); } .legend .running { background: var(--running); }
@media print { body { max-width: none; padding: 0; } .failure, tr { break-inside: avoid; } }
"""
