// The page as it looks with a conversation: node test/picture.mjs PROGRAM FILE.png

import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { browserPath, Service, Visit } from './stage.mjs';
import { Upstream } from './upstream.mjs';

const QUESTION = 'How do I read a file line by line in Rust?';
const ANSWER = `\`BufRead::lines\` gives them one by one, so that a file of **any size** takes little memory:

\`\`\`rust
for line in BufReader::new(File::open(path)?).lines() {
    let line = line?; // reading may fail at any line
    println!("{line}");
}
\`\`\`

| way | memory | when |
|---|---|---|
| \`lines()\` | a line | most files |
| \`read_line(&mut buffer)\` | a line, used again | hot loops |
| \`fs::read_to_string\` | the whole file | small ones |
`;

const [program, file] = process.argv.slice(2);
const upstream = await new Upstream().start();
upstream.says = ANSWER;
const service = new Service(upstream, program);
writeFileSync(service.config, `
[providers.stage]
base_url = "${upstream.url}"
api_key_env = "STAGE_KEY"
[models]
"gpt-5.4-mini" = "stage/says"
`);
await service.start();
const browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox', '--disable-dev-shm-usage'] });
try {
  const visit = await Visit.of(browser, service.url, { viewport: { width: 1100, height: 720 } });
  for (const earlier of ['Which crates read CSV?', 'What does a borrow cost?']) {
    await visit.asked(null, earlier);
    await visit.page.getByRole('button', { name: 'New conversation' }).click();
  }
  await visit.asked(null, QUESTION);
  await visit.page.locator('pre .hl-keyword').first().waitFor();
  await visit.page.screenshot({ path: file });
} finally {
  await browser.close();
  service.stop();
  upstream.stop();
}
