import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Reads a pattern and texts, each a line of UTF-8 in hexadecimal digits, and prints for each text whether the pattern matches it. */
class Match {
  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "US-ASCII"));
    Pattern pattern = Pattern.compile(decode(lines.readLine()));
    for (String line = lines.readLine(); line != null; line = lines.readLine())
      // As Bean Validation does. With `find`, Java's `$` would also match before a final U+0085.
      System.out.println(pattern.matcher(decode(line)).matches());
  }

  private static String decode(String digits) throws Exception {
    return new String(HexFormat.of().parseHex(digits), "UTF-8");
  }
}
