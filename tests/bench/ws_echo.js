// An echo server on npm's ws, for the bench: ws_echo.js PORT
const { WebSocketServer } = require("ws");

new WebSocketServer({ port: Number(process.argv[2]) }).on("connection", ws => {
	ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
});
