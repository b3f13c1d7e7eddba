import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** A small HTTP service on the JDK's own server, without metrics. */
public class App {
  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext(
        "/",
        exchange -> {
          boolean isKnown = exchange.getRequestURI().getPath().equals("/");
          byte[] body = (isKnown ? "well\n" : "not found\n").getBytes();
          exchange.sendResponseHeaders(isKnown ? 200 : 404, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }
}
