// A server on the official TypeScript SDK, version 2, that speaks the protocol of 2026-07-28 and nothing older: no
// `initialize`, no session, and questions only in answers to calls.
//
// Run as `node modern.mjs` over stdio, or as `node modern.mjs 8000` over streamable HTTP on that port, at /mcp.

import { createServer } from "node:http";

import { toNodeHandler } from "@modelcontextprotocol/node";
import {
  McpServer,
  acceptedContent,
  createMcpHandler,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

// Signs what a client is to bring back, and refuses it when it is not what was given out.
const state = createRequestStateCodec({ key: "a key of this test, 32 bytes long." });
const place = z.object({ region: z.string(), sure: z.boolean() });
const text = (words) => ({ content: [{ type: "text", text: words }] });

// Asks where, then asks a model, and knows in each round only what the client brings back.
async function deploy({ name }, ctx) {
  const { inputResponses, requestState } = ctx.mcpReq;
  const known = requestState();
  if (!known) {
    const where = acceptedContent(inputResponses, "where", place);
    if (!where) {
      const view = inputResponse(inputResponses, "where");
      if (view.kind === "elicit") return text(`not deployed: ${view.action}`);
      const form = inputRequired.elicit({ message: `Where does ${name} go?`, requestedSchema: place });
      return inputRequired({ inputRequests: { where: form } });
    }
    const words = { type: "text", text: `a motto for ${name}` };
    const motto = inputRequired.createMessage({ messages: [{ role: "user", content: words }], maxTokens: 20 });
    return inputRequired({ inputRequests: { motto }, requestState: await state.mint({ name, ...where }, ctx) });
  }
  const told = inputResponses?.motto;
  return text(`${known.name} in ${known.region}, ${known.sure}: ${told?.content?.text ?? "no motto"}`);
}

async function count({ to }, ctx) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  for (let n = 1; n <= to; n += 1) {
    const params = { progressToken, progress: n, total: to, message: `at ${n}` };
    if (progressToken !== undefined) await ctx.mcpReq.notify({ method: "notifications/progress", params });
    await new Promise((done) => setTimeout(done, 10));
  }
  return text(`counted to ${to}`);
}

function make() {
  const server = new McpServer({ name: "modern", version: "1.0.0" }, { requestState: { verify: state.verify } });
  const named = { description: "Deploys.", inputSchema: z.object({ name: z.string() }) };
  server.registerTool("deploy", named, deploy);
  server.registerTool("count", { description: "Counts.", inputSchema: z.object({ to: z.number() }) }, count);
  const note = (uri) => ({ contents: [{ uri: uri.href, text: "buy milk" }] });
  server.registerResource("today", "note://today", {}, async (uri) => note(uri));
  return server;
}

const port = process.argv[2];
if (port) {
  const handle = toNodeHandler(createMcpHandler(make, { legacy: "reject" }));
  createServer((request, response) => handle(request, response)).listen(Number(port), "127.0.0.1");
} else {
  serveStdio(make, { legacy: "reject" });
}
