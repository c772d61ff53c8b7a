"""A server on the official Python SDK, of version 2 or of version 1, with what a client must get right.

Run as `python server.py` over stdio, or as `python server.py 8000` over streamable HTTP on that port.
"""

import asyncio
import sys

from pydantic import BaseModel

try:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.types import SamplingMessage, TextContent

    PORT_IN_RUN = True
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.types import SamplingMessage, TextContent

    PORT_IN_RUN = False

server = MCPServer("real")


class Place(BaseModel):
    region: str
    floor: int = 0


class Login(BaseModel):
    region: str
    password: str


@server.tool()
async def count(to: int, ctx: Context) -> str:
    """Counts, and says how far it is."""
    for n in range(1, to + 1):
        await ctx.report_progress(n, to, f"at {n}")
        await asyncio.sleep(0.01)
    return f"counted to {to}"


@server.tool()
async def where(ctx: Context) -> str:
    """Asks where."""
    told = await ctx.elicit("Where should it run?", Place)
    return f"{told.action} {told.data.region} {told.data.floor}" if told.action == "accept" else told.action


@server.tool()
async def login(ctx: Context) -> str:
    """Asks for a password."""
    return (await ctx.elicit("Who are you?", Login)).action


@server.tool()
async def shorten(text: str, ctx: Context) -> str:
    """Asks a model."""
    question = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    told = await ctx.session.create_message([question], max_tokens=50, related_request_id=ctx.request_id)
    return told.content.text


@server.resource("note://today")
def today() -> str:
    return "buy milk"


@server.resource("note://day/{day}")
def day(day: str) -> str:
    return f"nothing on {day}"


@server.prompt()
def greet(who: str) -> str:
    """Greets."""
    return f"Greet {who}."


if len(sys.argv) == 1:
    server.run("stdio")
elif PORT_IN_RUN:
    server.run("streamable-http", port=int(sys.argv[1]))
else:
    server.settings.port = int(sys.argv[1])
    server.run("streamable-http")
